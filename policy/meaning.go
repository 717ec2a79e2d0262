package policy

import (
	"errors"
	"fmt"
	"strings"
)

// Errors is a layer that says what the dependency's errors mean to the layers
// outside it: it stands innermost, as a rule. Judge is asked first; what it does
// not know is looked for in the lists, by errors.Is; and what is in none of them is
// left to what the error says itself, and to what is known of the client that it
// comes from. An error of several lists is the first's: an answer, then a failure,
// then a refusal.
//
// The zero value leaves all errors as they are.
type Errors struct {
	// Answers are errors by which the dependency says no: see [Answered].
	Answers []error
	// Failures are errors that are failures after all: see [Failed].
	Failures []error
	// Refusals are errors that no attempt can help: see [Refused].
	Refusals []error
	// Judge says what an error means, or [Unknown]. It may be called from many
	// goroutines at once.
	Judge func(error) Verdict
}

// ErrorName stands in the lists of [Errors] for an error by its name: one that
// container.WithErrors gave, or one of a client that clad knows, "redis.Nil".
type ErrorName string

func (n ErrorName) Error() string { return string(n) }

// IsZero reports whether e says nothing.
func (e Errors) IsZero() bool {
	return e.Judge == nil && len(e.Answers) == 0 && len(e.Failures) == 0 && len(e.Refusals) == 0
}

// Validate reports errors that are nil.
func (e Errors) Validate() error {
	var errs []error
	for _, list := range e.lists() {
		for i, err := range list.errors {
			if err == nil {
				errs = append(errs, fmt.Errorf("errors: %s[%d] is nil", list.name, i))
			}
		}
	}
	return errors.Join(errs...)
}

func (e Errors) String() string {
	var parts []string
	for _, list := range e.lists() {
		if len(list.errors) == 0 {
			continue
		}
		names := make([]string, len(list.errors))
		for i, err := range list.errors {
			names[i] = fmt.Sprint(err)
		}
		parts = append(parts, strings.ToLower(list.name)+" "+strings.Join(names, " "))
	}
	if e.Judge != nil {
		parts = append(parts, "custom Judge")
	}
	return settings("errors", parts...)
}

func (e Errors) layers(dst []Policy) []Policy { return append(dst, e) }

type errorList struct {
	name   string
	errors []error
}

func (e Errors) lists() []errorList {
	return []errorList{{"Answers", e.Answers}, {"Failures", e.Failures}, {"Refusals", e.Refusals}}
}

func (e Errors) equal(o Errors) bool {
	theirs := o.lists()
	for i, list := range e.lists() {
		if !sameErrors(list.errors, theirs[i].errors) {
			return false
		}
	}
	return sameFunc(e.Judge, o.Judge)
}
