package console

import "net/http"

// Option changes what a [Handler] does.
type Option interface{ apply(*settings) }

type settings struct {
	who      func(*http.Request) (string, bool)
	profile  func() Profile
	dryRun   func() *DryRun
	describe func(error) string
}

type optionFunc func(*settings)

func (f optionFunc) apply(s *settings) { f(s) }

// AllowControls has the console steer, for those of whom who says a name: circuit
// breakers can be forced open, disabled, reset and given back to their state machine,
// rate limiters set to another rate, each for a reason and a time. The name stands in
// the event log. Without this option the console is read-only.
//
// Who is asked on every request, also for what only shows, and by many goroutines. It
// must authenticate: by a session, a client certificate, a header that a proxy sets
// and nobody else can. That the request comes from the console's own page, and not
// from another site in the same browser, the console sees to.
func AllowControls(who func(*http.Request) (name string, ok bool)) Option {
	return optionFunc(func(s *settings) { s.who = who })
}

// WithProfile has the console say which profile is in force, and where each value of
// it comes from; module.Console gives one. Without it, and where it leaves out the
// settings, policies are shown as the orchestrator has them. Current is called by many
// goroutines.
func WithProfile(current func() Profile) Option {
	return optionFunc(func(s *settings) { s.profile = current })
}

// DescribeErrors sets what is shown of an error; "" shows nothing. Without it that is
// its text, without what looks like a secret: passwords and queries in URLs, tokens,
// keys, numbers of cards. It is called by the calls that fail, once in two seconds
// for each operation.
func DescribeErrors(describe func(error) string) Option {
	return optionFunc(func(s *settings) { s.describe = describe })
}
