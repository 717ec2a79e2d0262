// Package verdict knows what the errors of the clients that Go services use mean:
// whether the dependency failed or answered, whether another attempt can help, and
// whether the call may have had its effect. It imports none of them: it tells
// errors by the standard library's values, by methods, and else by the names of
// their types.
//
// Every pipeline asks it, after failures only. A policy's errors, container.Answers
// and container.Judge come before it.
package verdict

import (
	"errors"
	"reflect"

	"github.com/cladgo/clad/policy"
)

// Meaning is what an error means. The zero value says that nothing is known.
type Meaning struct {
	Verdict policy.Verdict
	// Final says of a failure that no further attempt can help: a certificate
	// that cannot be verified.
	Final bool
	// NoEffect says that the call certainly had no effect, so that it may be
	// repeated even where it is not safe to do twice: the connection was refused.
	NoEffect bool
	// Neutral says of a failure that it tells nothing of the dependency, which
	// may be well: all connections of the client's pool are taken. It may be
	// tried again.
	Neutral bool
}

// What errors mean, mostly.
var (
	unknown   = Meaning{}
	answered  = Meaning{Verdict: policy.Answered}
	refused   = Meaning{Verdict: policy.Refused, NoEffect: true}
	mistaken  = Meaning{Verdict: policy.Refused}                // by who calls, perhaps after an effect
	failed    = Meaning{Verdict: policy.Failed}                 // the effect may have happened
	unmade    = Meaning{Verdict: policy.Failed, NoEffect: true} // it has not
	waited    = Meaning{Verdict: policy.Failed, NoEffect: true, Neutral: true}
	conflicts = Meaning{Verdict: policy.Failed, Neutral: true} // with what others do just now
	hopeless  = Meaning{Verdict: policy.Failed, NoEffect: true, Final: true}
)

// Of returns what err means. Of several errors in one, the outermost that is known
// counts, and of those beside each other the first, but that there was no effect, or
// nobody was asked, only where all of them say so. What says its own verdict, by a method Verdict() policy.Verdict, is
// believed; rejections of circuit breakers, rate limiters and bulkheads mean nothing here.
func Of(err error) Meaning {
	m, _ := find(err)
	return m
}

// find walks err's tree in the order of errors.Is, until something is known.
func find(err error) (m Meaning, done bool) {
	if err == nil {
		return unknown, false
	}
	t := reflect.TypeOf(err)
	if t == typeOfText {
		m = of(t, err)
		return m, m != unknown
	}
	switch e := err.(type) { //nolint:errorlint // this is the walk
	case *policy.CircuitOpenError, *policy.RateLimitedError, *policy.BulkheadFullError:
		return unknown, true
	case interface{ Verdict() policy.Verdict }:
		if v := e.Verdict(); v != policy.Unknown {
			return Meaning{Verdict: v}, true
		}
	}
	if m = of(t, err); m != unknown {
		return m, true
	}
	switch e := err.(type) { //nolint:errorlint // this is the walk
	case interface{ Unwrap() error }:
		m, done = find(e.Unwrap())
		if around := kindOf(t).around; around != nil {
			m = around(err, m)
		}
		return m, done || m != unknown
	case interface{ Unwrap() []error }:
		return several(e.Unwrap())
	}
	return unknown, false
}

// several is of errors beside each other, as errors.Join has them: the first that is
// known counts. That nobody was asked, or nothing done, none can say for another: after
// a connection broke, what rolls back says that the transaction has ended, and what
// cleans up that there is no connection.
func several(errs []error) (m Meaning, done bool) {
	certain, others := true, false
	for _, err := range errs {
		if err == nil {
			continue
		}
		one, known := find(err)
		certain = certain && one.NoEffect
		others = others || !known
		if known && (!done || m.Verdict == policy.Refused && one.Verdict != policy.Refused) {
			m, done = one, true
		}
	}
	if others && m.Verdict == policy.Refused {
		return unknown, false
	}
	m.NoEffect = m.NoEffect && certain
	return m, done
}

// typeOfText is that of what errors.New makes: it wraps nothing and has no methods,
// and only its text tells it from others.
var typeOfText = reflect.TypeOf(errors.New(""))
