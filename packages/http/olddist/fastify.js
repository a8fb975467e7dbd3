import { FrameworkExchange } from './chunk-24MANDYL.js';
import { Service, isOfCancel } from './chunk-XUXP7JKU.js';

var fastifyScope=(app,options,done)=>{let{deadline,maxRequests}=options,service=new Service({deadline,maxRequests});app.addHook("onRequest",(request,reply,next)=>{let exchange=FrameworkExchange.begin(service,request.raw,reply.raw,()=>next());if(exchange===null){reply.hijack();return}let log=withoutCancels(reply.log,()=>exchange.isBeingCancelled());reply.log=log;}),done();};Object.assign(fastifyScope,{[Symbol.for("skip-override")]:true,[Symbol.for("fastify.display-name")]:"@tasktree/http"});function withoutCancels(log,isCancelled){return Object.create(log,{error:{value:(entry,...rest)=>{let cause=entry?.err??entry;isCancelled()&&isOfCancel(cause)||Reflect.apply(log.error,log,[entry,...rest]);},writable:true,configurable:true}})}

export { fastifyScope };
//# sourceMappingURL=fastify.js.map
//# sourceMappingURL=fastify.js.map