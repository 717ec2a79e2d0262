package policy

import "fmt"

// Verdict is what a result of a dependency means. A retry, a circuit breaker
// and the metrics follow it:
//
//	            retried            to a breaker       counted as
//	Failed      if it may help     a failure          failed
//	Answered    no                 a success          successful, and answered
//	Refused     no                 neither            failed
//
// An error says its verdict by a method Verdict() Verdict, as those that
// [Answer] and [Permanent] mark do; of several in one, the outermost counts.
type Verdict uint8

const (
	// Unknown leaves the verdict to whoever is asked next; what nobody knows
	// is treated as Failed.
	Unknown Verdict = iota
	// Failed means that the dependency did not do its work: the connection was
	// refused, it answered 503.
	Failed
	// Answered means that the dependency worked, and said no: there is no such
	// row, the key exists already.
	Answered
	// Refused means that nobody was asked, or that no attempt can help: the
	// amount is too high, the message is larger than we allow.
	Refused
)

func (v Verdict) String() string {
	switch v {
	case Unknown:
		return "unknown"
	case Failed:
		return "failed"
	case Answered:
		return "answered"
	case Refused:
		return "refused"
	default:
		return fmt.Sprintf("Verdict(%d)", uint8(v))
	}
}

// Answer marks err as an answer: the dependency worked, and said no (there is no
// such customer, the key exists already). It is not retried, and a success to a
// circuit breaker. The result prints as err and unwraps to it; Answer(nil) is
// nil.
func Answer(err error) error { return mark(err, Answered) }

// Permanent marks err as a refusal: nobody was asked, or no attempt can help
// (the amount is too high, the request cannot be encoded). It is not retried,
// and neither success nor failure to a circuit breaker. The result prints as err
// and unwraps to it; Permanent(nil) is nil.
func Permanent(err error) error { return mark(err, Refused) }

// IsAnswer reports whether err says that it is an answer, as one marked with
// [Answer] does.
func IsAnswer(err error) bool { return verdictOf(err) == Answered }

// IsPermanent reports whether err says that it is a refusal, as one marked with
// [Permanent] does.
func IsPermanent(err error) bool { return verdictOf(err) == Refused }

func mark(err error, v Verdict) error {
	if err == nil {
		return nil
	}
	return &marked{err, v}
}

// marked is an error with a verdict.
type marked struct {
	err     error
	verdict Verdict
}

func (m *marked) Error() string    { return m.err.Error() }
func (m *marked) Unwrap() error    { return m.err }
func (m *marked) Verdict() Verdict { return m.verdict }
func (m *marked) Retryable() bool  { return m.verdict == Failed }

// verdictOf returns what err says of itself. What a rejection says of the attempt
// before is no verdict on the one that was rejected.
func verdictOf(err error) (v Verdict) {
	anyOf(err, func(err error) bool {
		switch e := err.(type) { //nolint:errorlint // anyOf walks the tree
		case *CircuitOpenError, *RateLimitedError, *BulkheadFullError:
			return true
		case interface{ Verdict() Verdict }:
			v = e.Verdict()
		}
		return v != Unknown
	})
	return v
}
