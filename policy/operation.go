package policy

import "context"

// Operation is a domain entity that declares what it needs: an id, a policy,
// and the work. It knows nothing of who carries the policy out.
type Operation[T any] interface {
	// OperationID names the operation in metrics, logs and errors, and owns
	// the state of its unnamed breakers, limiters and bulkheads. It must be one of a
	// bounded set: "payments.charge", not one id per customer.
	OperationID() string
	// ResiliencePolicy may be built anew at each call.
	ResiliencePolicy() Policy
	// Execute does the work once. It is called once per attempt.
	Execute(ctx context.Context) (T, error)
}

// Critical is an optional face of an [Operation]. An operation without it is
// critical; one that is not, is [Sheddable].
type Critical interface{ IsCritical() bool }

// Runner runs a function under a policy, in the caller's goroutine: fn is
// called once per attempt with the context of that attempt, and Run returns nil
// or the error that ended it. A Runner is safe for use by many goroutines.
type Runner interface {
	Run(ctx context.Context, fn func(context.Context) error) error
}

// Orchestrator turns policies into Runners and remembers their state. Package
// container has the real one; a test may bring its own.
type Orchestrator interface {
	// Pipeline returns the Runner of a policy of the catalog. An unknown name
	// is an error that says which is nearest; nothing is made on look-up.
	Pipeline(name string) (Runner, error)
	// For returns the Runner of p for an operation. Unnamed breakers,
	// limiters and bulkheads in p belong to that operation. A policy that can't be
	// honoured is an error.
	For(operation string, p Policy) (Runner, error)
	// Metrics returns a snapshot.
	Metrics() Metrics
}

// Execute runs op under the policy that it declares. When the operation fails,
// the value is what the last attempt returned beside its error. Where op is a
// [Critical] that says no, it is [Sheddable]; one that says yes is worth no more than
// the context that it is run in.
func Execute[T any](ctx context.Context, o Orchestrator, op Operation[T]) (T, error) {
	if c, ok := op.(Critical); ok && !c.IsCritical() {
		ctx = WithCriticality(ctx, Sheddable)
	}
	return executeWith(ctx, o, op.OperationID(), op.ResiliencePolicy(), op)
}

// ExecuteWith is [Execute] for what is no [Operation]: it runs fn as one under p.
func ExecuteWith[T any](ctx context.Context, o Orchestrator, operation string, p Policy, fn func(context.Context) (T, error)) (T, error) {
	return executeWith(ctx, o, operation, p, work[T](fn))
}

func executeWith[T any, W executor[T]](ctx context.Context, o Orchestrator, operation string, p Policy, w W) (T, error) {
	r, err := o.For(operation, p)
	if err != nil {
		var none T
		return none, err
	}
	return do(ctx, r, w)
}

// Do runs fn under r and returns its value. When the operation fails, the value
// is what the last attempt returned beside its error.
func Do[T any](ctx context.Context, r Runner, fn func(context.Context) (T, error)) (T, error) {
	return do(ctx, r, work[T](fn))
}

// executor is what can be run: an operation, or a function.
type executor[T any] interface {
	Execute(ctx context.Context) (T, error)
}

type work[T any] func(context.Context) (T, error)

func (w work[T]) Execute(ctx context.Context) (T, error) { return w(ctx) }

func do[T any, W executor[T]](ctx context.Context, r Runner, w W) (value T, err error) {
	s, ok := r.(stepper)
	if !ok {
		return run(ctx, r, w)
	}
	attempts := s.Attempts(ctx)
	defer attempts.End()
	again, err := attempts.Next(nil)
	for again {
		value, err = w.Execute(attempts.Context())
		again, err = attempts.Next(err)
	}
	return value, err
}

// run is do for any Runner.
func run[T any, W executor[T]](ctx context.Context, r Runner, w W) (value T, err error) {
	err = r.Run(ctx, func(ctx context.Context) (err error) {
		value, err = w.Execute(ctx)
		return err
	})
	return value, err
}

// stepper is a Runner that lets its attempts be made: one who calls Run has to
// make a closure.
type stepper interface {
	Attempts(ctx context.Context) interface {
		// Next is told how the last attempt ended, and says whether to make
		// another, or how the operation ended.
		Next(err error) (again bool, outcome error)
		Context() context.Context // of the attempt
		End()                     // to be deferred
	}
}
