import { FrameworkExchange } from './chunk-24MANDYL.js';
import { Service } from './chunk-XUXP7JKU.js';

function requestScope(options){let service=new Service(options),apps=new WeakSet,scope=(incoming,outgoing,next)=>{let{app}=incoming;app!==void 0&&!apps.has(app)&&(apps.add(app),hideCancels(app,scope)),FrameworkExchange.begin(service,incoming,outgoing,()=>next());};return scope}function ignoreCancelled(error,incoming,_outgoing,next){FrameworkExchange.of(incoming)?.isOwnCancel(error)!==true&&next(error);}function hideCancels(app,scope){app.use(ignoreCancelled);let stack=(app._router??app.router)?.stack;if(!Array.isArray(stack))return;let own=stack.findIndex(layer=>layer.handle===scope),errorHandler=stack.findIndex((layer,i)=>i>own&&layer.handle.length===4),last=stack.length-1;own===-1||errorHandler===-1||errorHandler===last||stack.splice(errorHandler,0,...stack.splice(last,1));}

export { ignoreCancelled, requestScope };
//# sourceMappingURL=express.js.map
//# sourceMappingURL=express.js.map