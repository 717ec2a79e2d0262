package cladsql

// Option changes what [Wrap] and [Open] do.
type Option interface{ apply(*options) }

type options struct {
	answers func(error) bool
	repeat  func(query string) bool
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// Answers says of which errors, besides those that are known, the database means
// that it works and refuses. They are not retried, and no failures to a breaker.
func Answers(is func(error) bool) Option {
	return optionFunc(func(o *options) { o.answers = is })
}

// Repeat says which statements are safe to repeat, outside of transactions, when
// they may have been executed. Without it, those that [IsRead].
func Repeat(safe func(query string) bool) Option {
	return optionFunc(func(o *options) { o.repeat = safe })
}

func newOptions(opts []Option) options {
	o := options{answers: func(error) bool { return false }, repeat: IsRead}
	for _, opt := range opts {
		opt.apply(&o)
	}
	return o
}
