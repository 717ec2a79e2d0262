package policy

import "fmt"

// State is that of a circuit breaker.
type State int

const (
	// StateClosed lets calls through.
	StateClosed State = iota
	// StateHalfOpen lets probes through.
	StateHalfOpen
	// StateOpen rejects calls.
	StateOpen
)

func (s State) String() string {
	switch s {
	case StateClosed:
		return "closed"
	case StateHalfOpen:
		return "half-open"
	case StateOpen:
		return "open"
	default:
		return fmt.Sprintf("State(%d)", int(s))
	}
}
