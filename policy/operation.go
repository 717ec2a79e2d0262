package policy

import "context"

// Operation is a domain entity that declares what it needs: an id, a policy,
// and the work. It knows nothing of who carries the policy out.
type Operation[T any] interface {
	// OperationID names the operation in metrics, logs and errors, and owns
	// the state of its unnamed breakers and limiters. It must be one of a
	// bounded set: "payments.charge", not one id per customer.
	OperationID() string
	// ResiliencePolicy may be built anew at each call.
	ResiliencePolicy() Policy
	// Execute does the work once. It is called once per attempt.
	Execute(ctx context.Context) (T, error)
}

// Critical is an optional face of an [Operation]. An operation without it is
// critical.
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
	// For returns the Runner of p for an operation. Unnamed breakers and
	// limiters in p belong to that operation. A policy that can't be
	// honoured is an error.
	For(operation string, p Policy) (Runner, error)
	// Metrics returns a snapshot.
	Metrics() Metrics
}

// Execute runs op under the policy that it declares.
func Execute[T any](ctx context.Context, o Orchestrator, op Operation[T]) (T, error) {
	return ExecuteWith(ctx, o, op.OperationID(), op.ResiliencePolicy(), op.Execute)
}

// ExecuteWith runs fn as an operation under p. When the operation fails, the
// value is what the last attempt returned beside its error.
func ExecuteWith[T any](ctx context.Context, o Orchestrator, operation string, p Policy, fn func(context.Context) (T, error)) (T, error) {
	r, err := o.For(operation, p)
	if err != nil {
		var none T
		return none, err
	}
	return Do(ctx, r, fn)
}

// Do runs fn under r and returns its value. When the operation fails, the value
// is what the last attempt returned beside its error.
func Do[T any](ctx context.Context, r Runner, fn func(context.Context) (T, error)) (T, error) {
	work := &work[T]{fn: fn}
	var err error
	if runner, ok := r.(interface {
		RunAttempts(ctx context.Context, a interface {
			Attempt(context.Context) error
		}) error
	}); ok {
		err = runner.RunAttempts(ctx, work) // saves the closure
	} else {
		err = r.Run(ctx, work.Attempt)
	}
	return work.value, err
}

// work is a function with a value on its way to being a function without.
type work[T any] struct {
	fn    func(context.Context) (T, error)
	value T
}

// Attempt calls the function and keeps its value.
func (w *work[T]) Attempt(ctx context.Context) error {
	var err error
	w.value, err = w.fn(ctx)
	return err
}
