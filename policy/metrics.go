package policy

// Metrics is a snapshot of what happened under policies so far. At every quiet
// moment TotalOperations is SuccessfulOperations + FailedOperations.
type Metrics struct {
	Totals
	// Operations holds the same by operation id: "payments.Gateway.Charge"
	// for a method of a tagged service, the policy's name for a pipeline of
	// the catalog, or the id given to For and Execute.
	Operations map[string]Totals
}

// Totals counts operations and what their policies did.
type Totals struct {
	TotalOperations      uint64
	SuccessfulOperations uint64 // Answered included
	Answered             uint64 // the dependency worked, and said no
	FailedOperations     uint64 // Cancelled included
	Cancelled            uint64 // the caller's context ended first

	RetryAttempts            uint64 // re-executions: the first attempt is none
	CircuitBreakerTrips      uint64 // changes from closed to open
	CircuitBreakerRejections uint64
	RateLimitHits            uint64 // calls and attempts refused by a limiter
	BulkheadRejections       uint64 // calls and attempts refused by a full bulkhead
	Shed                     uint64 // those of these two that were [Sheddable]
	Hedges                   uint64 // attempts that were made beside another, counted when the first of them is through
	HedgesWon                uint64 // those of them that had the answer first
	RetryBudgetHits          uint64 // retries refused because the budget was used up
	TimeoutCount             uint64 // timeouts of ours, per attempt or in all
	// Overruns counts attempts that came back long after their deadline: a
	// tenth of the time that they had, and 100ms at least. Of those that
	// succeeded nevertheless, about one in 64 is looked at.
	Overruns uint64
	// Fallbacks counts operations that failed and whose fallback was asked then: they
	// succeeded or failed as that did.
	Fallbacks uint64
	// Stale counts operations that failed and succeeded with their last good answer.
	Stale uint64
	// Chaos counts attempts that a [Chaos] struck.
	Chaos uint64
}
