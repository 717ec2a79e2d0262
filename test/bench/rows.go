package bench

import (
	"slices"
	"time"
)

// Row is a line of the table: a policy, and what happens under it.
type Row struct {
	Name     string
	Title    string
	Goal     Goal
	Parts    []string // that no wrapper can do without, as [Parts] names them, beside the call itself
	ask      func(*Settings)
	scenario scenario
}

// Goal is what the design wants of clad's proxy; Clocks 0 stands for no goal.
type Goal struct {
	Clocks float64 // in calls of time.Now
	Allocs int
}

// Alone reports whether the row's calls follow one another, so that only one
// goroutine can make them.
func (r Row) Alone() bool { return r.scenario.alone }

// Settings returns what the row asks of each system.
func (r Row) Settings() Settings {
	s := settings()
	r.ask(&s)
	return s
}

// What a success costs at least: to be counted; a token, that is the time and a
// number that all change; a deadline, that is the time, a context that the callee
// may keep, and its end.
var (
	counted   = []string{"atomic-add"}
	aToken    = []string{"monotonic-clock", "atomic-add", "atomic-add"}
	aDeadline = []string{"monotonic-clock", "allocation-32", "atomic-add", "atomic-add"}
)

// Rows lists the rows in the order of the table.
func Rows() []Row {
	return []Row{
		{"none", "no policy", Goal{0.1, 0}, nil, func(*Settings) {}, succeeds},
		{"breaker", "circuit breaker", Goal{0.5, 0}, counted, func(s *Settings) { s.Breaker = true }, succeeds},
		{"retry", "retry", Goal{0.5, 0}, counted, func(s *Settings) { s.Retry = true }, succeeds},
		{"limit", "rate limit", Goal{1.5, 0}, aToken, func(s *Settings) { s.RateLimit = true }, succeeds},
		{"timeout", "timeout", Goal{1, 1}, aDeadline, func(s *Settings) { s.Timeout = true }, succeeds},
		{"all", "all four", Goal{2, 1}, append(slices.Clip(aDeadline), "atomic-add"), func(s *Settings) {
			s.Retry, s.RateLimit, s.Breaker, s.Timeout = true, true, true, true
		}, succeeds},
		{"window-count", "breaker, failures in a window", Goal{2.5, 0}, nil, func(s *Settings) {
			s.Breaker, s.Window = true, 10*time.Second
		}, succeeds},
		{"window-rate", "breaker, share of failures in a window", Goal{2.5, 0}, nil, func(s *Settings) {
			s.Breaker, s.Window, s.Share, s.Failures = true, 10*time.Second, 0.5, 20
		}, succeeds},
		{"open", "rejected by an open breaker", Goal{2, 1}, nil, func(s *Settings) { s.Breaker = true }, isOpen},
		{"limited", "rejected by a rate limit", Goal{2, 1}, nil, func(s *Settings) {
			s.RateLimit, s.Burst, s.Rate = true, 1, 1e-3
		}, isLimited},
		{"second", "retry, success at the second attempt", Goal{0, 0}, nil, func(s *Settings) { s.Retry = true }, secondAttempt},
	}
}
