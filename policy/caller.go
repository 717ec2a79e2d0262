package policy

import "context"

// WithCallerRetries returns a context for work that is done for a caller who repeats
// it where it fails, and may do so left more times. A [Retry] beneath it makes one
// attempt then: where services that retry call each other, each of them would
// multiply the attempts of those before. The middleware of cladhttp and cladgrpc set
// it by what callers say.
//
// With left below 0 the context is one of nobody who retries, and a Retry beneath is
// carried out again: for a step whose repetition is cheaper here than there.
func WithCallerRetries(ctx context.Context, left int) context.Context {
	return context.WithValue(ctx, callerRetriesKey{}, left)
}

// CallerRetries reports whether somebody further out repeats what is done in ctx
// where that fails, and how many more times he may. That may be 0: he has
// retried, and this is his last attempt.
func CallerRetries(ctx context.Context) (left int, retries bool) {
	left, ok := ctx.Value(callerRetriesKey{}).(int)
	if !ok || left < 0 {
		return 0, false
	}
	return left, true
}

type callerRetriesKey struct{}
