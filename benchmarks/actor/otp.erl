%% erlc otp.erl && erl -noshell -s otp main -s init stop
-module(otp).
-behaviour(gen_server).
-export([main/0, init/1, handle_call/3, handle_cast/2, start_link/0, pong/0, worker/0, super/0]).

init(super) ->
    {ok, {#{strategy => one_for_one, intensity => 1000000, period => 5},
          [#{id => c, start => {?MODULE, start_link, []}}]}};
init(crowd) ->
    {ok, {#{strategy => simple_one_for_one},
          [#{id => c, start => {?MODULE, start_link, []}, restart => temporary}]}};
init(N) -> {ok, N}.
handle_call(get, _From, N) -> {reply, N, N}.
handle_cast({add, M}, N) -> {noreply, N + M}.
start_link() -> gen_server:start_link(?MODULE, 0, []).
super() -> supervisor:start_link(?MODULE, super).

report(Name, Count, Work) ->
    Best = lists:min([element(1, timer:tc(Work)) || _ <- lists:seq(1, 5)]),
    io:format("| OTP ~s | ~.3f us |~n", [Name, Best / Count]).

main() ->
    process_flag(trap_exit, true),
    {ok, C} = start_link(),
    report("cast", 200000, fun() ->
        N = gen_server:call(C, get),
        [gen_server:cast(C, {add, 1}) || _ <- lists:seq(1, 200000)],
        true = gen_server:call(C, get, infinity) =:= N + 200000
    end),
    report("call", 50000, fun() -> [gen_server:call(C, get) || _ <- lists:seq(1, 50000)] end),
    P = spawn_link(?MODULE, pong, []),
    report("ping-pong round trip", 50000, fun() -> ping(P, 50000) end),
    report("gen_server start + stop", 5000, fun() ->
        [begin {ok, X} = start_link(), gen_server:stop(X) end || _ <- lists:seq(1, 5000)]
    end),
    {ok, S} = super(),
    error_logger:tty(false),
    logger:set_primary_config(level, none),
    report("restart after a kill", 2000, fun() -> [restart(S) || _ <- lists:seq(1, 2000)] end),
    {ok, D} = supervisor:start_link(?MODULE, crowd),
    garbage_collect(),
    Before = erlang:memory(processes),
    {Start, _} = timer:tc(fun() -> [supervisor:start_child(D, []) || _ <- lists:seq(1, 20000)] end),
    Bytes = (erlang:memory(processes) - Before) / 20000,
    io:format("| OTP memory of an idle gen_server, of 20000 | ~b B |~n", [round(Bytes)]),
    io:format("| OTP start of 20000 children | ~b ms |~n", [Start div 1000]),
    unlink(D),
    Ref = monitor(process, D),
    {Stop, _} = timer:tc(fun() -> exit(D, shutdown), receive {'DOWN', Ref, _, _, _} -> ok end end),
    io:format("| OTP stop of 20000 children | ~b ms |~n", [Stop div 1000]).

restart(S) ->
    [{c, Pid, _, _}] = supervisor:which_children(S),
    Ref = monitor(process, Pid),
    exit(Pid, kill),
    receive {'DOWN', Ref, _, _, _} -> ok end,
    await(S, Pid).
await(S, Old) ->
    case supervisor:which_children(S) of
        [{c, Pid, _, _}] when is_pid(Pid), Pid =/= Old -> gen_server:call(Pid, get);
        _ -> await(S, Old)
    end.

worker() -> receive stop -> ok end.
pong() -> receive {ping, From} -> From ! pong, pong() end.
ping(_, 0) -> ok;
ping(P, N) -> P ! {ping, self()}, receive pong -> ping(P, N - 1) end.
