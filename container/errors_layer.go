package container

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
)

// errorsStep is what a policy says of the dependency's errors, with their names
// looked up.
type errorsStep struct {
	judge func(error) policy.Verdict
	known []knownError
}

type knownError struct {
	is      func(error) bool // anywhere in a tree
	verdict policy.Verdict
}

// newErrorsStep looks up the names of the errors, in those that the user gave and
// in those of the clients that are known.
func newErrorsStep(p policy.Errors, named map[string]error) (*errorsStep, error) {
	s := &errorsStep{judge: p.Judge}
	var mistakes []error
	for _, list := range []struct {
		errors  []error
		verdict policy.Verdict
	}{
		{p.Answers, policy.Answered}, {p.Failures, policy.Failed}, {p.Refusals, policy.Refused},
	} {
		for _, err := range list.errors {
			is, mistake := matcher(err, named)
			if mistake != nil {
				mistakes = append(mistakes, mistake)
				continue
			}
			s.known = append(s.known, knownError{is, list.verdict})
		}
	}
	return s, errors.Join(mistakes...)
}

func matcher(err error, named map[string]error) (is func(error) bool, mistake error) {
	name, ok := err.(policy.ErrorName) //nolint:errorlint // it stands for an error and wraps none
	if !ok {
		return func(e error) bool { return errors.Is(e, err) }, nil
	}
	if err, ok := named[string(name)]; ok {
		return func(e error) bool { return errors.Is(e, err) }, nil
	}
	if is, ok := verdict.Named(string(name)); ok {
		return is, nil
	}
	return nil, fmt.Errorf("no error %q is known%s; container.WithErrors makes yours known", string(name), suggest.DidYouMean(string(name), errorNames(named)))
}

// ErrorNames lists the names that profiles may use for errors where an
// orchestrator has these options: those of [WithErrors], and of the clients that
// clad knows. They are sorted.
func ErrorNames(opts ...Option) []string { return errorNames(optionsOf(opts).errors) }

func errorNames(named map[string]error) []string {
	names := slices.Concat(slices.Collect(maps.Keys(named)), verdict.Names())
	slices.Sort(names)
	return slices.Compact(names)
}

// verdict says what an error means, Unknown where the policy does not say.
func (s *errorsStep) verdict(err error) policy.Verdict {
	if s.judge != nil {
		if v := s.judge(err); v != policy.Unknown {
			return v
		}
	}
	for _, known := range s.known {
		if known.is(err) {
			return known.verdict
		}
	}
	return policy.Unknown
}

// exitErrors judges the error of an attempt.
func (c *Call) exitErrors(s *step, err error) {
	if c.unsent {
		return
	}
	if s.errors().judge != nil {
		defer func() { c.now = 0 }() // what is asked of users takes its time
	}
	if v := s.errors().verdict(err); v != policy.Unknown {
		c.means.Verdict, c.means.Final = v, false
	}
}

// weigh finds out what is known of an error that nobody has judged.
func (c *Call) weigh(err error) {
	if c.means.Verdict == policy.Unknown {
		neutral := c.means.Neutral
		c.means = verdict.Of(err)
		if c.means.Verdict == policy.Refused && c.ctx.Err() != nil && !policy.IsPermanent(err) {
			// A client's word that it was used in a wrong way comes of its time being
			// over: database/sql ends a transaction then, and says that it has ended.
			c.means = verdict.Meaning{Verdict: policy.Failed}
		}
		c.means.Neutral = c.means.Neutral || neutral
	}
}
