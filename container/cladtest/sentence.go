package cladtest

import (
	"fmt"
	"reflect"

	"github.com/cladgo/clad/container"
)

// sentence tells an event without its operation.
func sentence(event container.Event) string {
	switch e := event.(type) {
	case container.AttemptFailed:
		return fmt.Sprintf("attempt %d failed (%v): %v", e.Attempt, e.Verdict, e.Err)
	case container.Retrying:
		return fmt.Sprintf("attempt %d of %d follows after %v", e.Attempt, e.Of, e.After)
	case container.HedgeStarted:
		return fmt.Sprintf("attempt %d begins beside those under way, after %v", e.Attempt, e.After)
	case container.HedgeWon:
		return fmt.Sprintf("attempt %d had the answer first", e.Attempt)
	case container.Waited:
		what := "a token"
		if e.Reason == container.BulkheadFull {
			what = "a permit"
		}
		return fmt.Sprintf("waited %v for %s of %s", e.For, what, e.Name)
	case container.Rejected:
		return fmt.Sprintf("rejected by %s: %s, retry after %v", e.Name, e.Reason, e.RetryAfter)
	case container.TimedOut:
		return fmt.Sprintf("timed out after %v", e.After)
	case container.Overrun:
		return fmt.Sprintf("an attempt came back %v after its deadline", e.Late)
	case container.Tripped:
		return fmt.Sprintf("tripped circuit breaker %s", e.Name)
	case container.Probed:
		return fmt.Sprintf("probed circuit breaker %s, which is %v since", e.Name, e.State)
	case container.FellBack:
		return fmt.Sprintf("fell back, after: %v", e.Err)
	case container.ServedStale:
		return fmt.Sprintf("answered with what was known %v ago, after: %v", e.Age, e.Err)
	case container.Injected:
		if e.Err == nil {
			return fmt.Sprintf("chaos delayed an attempt by %v", e.Latency)
		}
		return fmt.Sprintf("chaos failed an attempt after %v: %v", e.Latency, e.Err)
	case container.Transition:
		return fmt.Sprintf("circuit breaker %s went from %v to %v", e.Name, e.From, e.To)
	case container.Reloaded:
		if e.Err != nil {
			return fmt.Sprintf("a reload was refused: %v", e.Err)
		}
		return "reloaded"
	case container.Alone:
		return fmt.Sprintf("%s goes on without the others: %v", e.Name, e.Err)
	case container.Rejoined:
		return fmt.Sprintf("%s shares again what it knows", e.Name)
	case container.Followed:
		return fmt.Sprintf("circuit breaker %s is %v since the others' are: %d of %d find the dependency down", e.Name, e.State, e.Down, e.Fleet)
	default:
		return fmt.Sprintf("%T%+v", event, event)
	}
}

// operationOf returns whose event it is; "" where it is no operation's.
func operationOf(event container.Event) string {
	operation := reflect.ValueOf(event).FieldByName("Operation")
	if !operation.IsValid() {
		return ""
	}
	return operation.String()
}
