// Package console shows an orchestrator while it runs: one page, and the JSON that
// it is made of, behind an http.Handler.
//
//	mux.Handle("/debug/clad/", http.StripPrefix("/debug/clad", console.Handler(orchestrator)))
//
// The page tells what is down, since when, and what is done about it; of every
// service, method, circuit breaker and rate limiter its state, and what happened in
// the last minutes; and what is in force, with where each value comes from. It needs
// nothing from elsewhere, and follows live.
//
// What the console serves is for the people who run the application. It listens on
// nothing by itself: mount it where only they come. It is read-only until
// [AllowControls] says who may steer.
//
// From when [Handler] is called until the orchestrator is closed, calls pay for two
// readings of the clock and a few counters, as with container.OnCompleted; and a
// timer looks at the counters every two seconds. What is kept is bounded: at most
// 2000 operations, each with the last five minutes, and 500 entries of the event log.
// That is 7 MB for 300 services with three methods each that are all in use.
package console
