import { FrameworkExchange } from './chunk-24MANDYL.js';
import { rememberRaw } from './chunk-QCMZJIJX.js';
import { Service, ClientGoneError } from './chunk-XUXP7JKU.js';
import { createTask } from '@tasktree/core';

function honoScope(options){let service=new Service(options);return async(context,next)=>{let{incoming,outgoing}=context.env??{};if(incoming===void 0||outgoing===void 0){await runUntilAbort(context.req.method,context.req.path,context.req.raw.signal,next);return}rememberRaw(context.req.raw,incoming);let refusal=()=>context.body(null,503,{"retry-after":"1"});return service.isFull()?refusal():await new Promise((resolve,reject)=>{let begin=()=>{next().then(()=>resolve(void 0),reject);};FrameworkExchange.begin(service,incoming,outgoing,begin,()=>resolve(refusal()));})}}async function runUntilAbort(method,path,signal,next){let task=createTask(next,{name:`${method} ${path}`,eager:true}),onAbort=()=>task.cancel(new ClientGoneError);signal.aborted&&onAbort(),signal.addEventListener("abort",onAbort,{once:true});try{await task;}finally{signal.removeEventListener("abort",onAbort);}}

export { honoScope };
//# sourceMappingURL=hono.js.map
//# sourceMappingURL=hono.js.map