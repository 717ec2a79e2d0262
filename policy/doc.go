// Package policy holds the contracts of a resilience architecture: what
// protection a dependency wants, never how it is done.
//
// A domain package that imports this one alone can declare its needs as an
// [Operation], read the errors that protection adds, and stay free of every
// piece of infrastructure; this package imports the standard library only.
// Package container carries the policies out, package config reads them from
// profiles.
//
//	policy.Combine(
//		policy.Timeout(15*time.Second),                    // the whole, retries included
//		policy.Retry{MaxAttempts: 3},
//		policy.CircuitBreaker{RecoveryTimeout: time.Minute},
//		policy.Timeout(5*time.Second),                     // each attempt
//	)
//
// Order is nesting: the first layer is the outermost.
package policy
