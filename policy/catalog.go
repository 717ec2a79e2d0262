package policy

// Catalog is what a profile says, as plain values: named breakers, limiters, bulkheads and
// policies, and choices per service. Package config reads it from files, a test
// may write it down. The zero Catalog is empty and valid.
type Catalog struct {
	// CircuitBreakers are shared by whoever names them.
	CircuitBreakers map[string]CircuitBreaker
	// RateLimiters are shared by whoever names them.
	RateLimiters map[string]RateLimit
	// Bulkheads are shared by whoever names them.
	Bulkheads map[string]Bulkhead
	// Policies are what tags name. "none" needs no entry.
	Policies map[string]Policy
	// Services makes choices per tagged service, by the service's type:
	// "payments.Gateway", or with the full import path where two collide.
	Services map[string]Service
}

// StandardName is the policy of those that name none. There is one where the profile
// says `standard: true`, or module.Standard is given, or somebody wrote it.
const StandardName = "standard"

// Service chooses policies for one tagged service without touching code.
type Service struct {
	// Policy beats the name in the tag; empty keeps it.
	Policy string
	// Methods maps a method to a policy's name; "none" for none.
	Methods map[string]string
	// Critical says that the application is of no use without the service: it is
	// not ready while a circuit breaker of the service is open.
	Critical bool
}
