package circuit_test

import (
	"reflect"

	"github.com/sony/gobreaker/v2"
)

// plain is gobreaker itself, of whatever version: before 2.4 it takes a success or
// not, and can't be told of what is neither.
type plain struct {
	machine  *gobreaker.TwoStepCircuitBreaker[struct{}]
	excludes bool
}

func newPlain(s gobreaker.Settings, isExcluded func(error) bool) plain {
	excluding := reflect.ValueOf(&s).Elem().FieldByName("IsExcluded")
	if excluding.IsValid() {
		excluding.Set(reflect.ValueOf(isExcluded))
	}
	return plain{gobreaker.NewTwoStepCircuitBreaker[struct{}](s), excluding.IsValid()}
}

func (p plain) allow() (report func(error), err error) {
	done, err := p.machine.Allow()
	switch done := any(done).(type) {
	case func(error):
		return done, err
	case func(bool):
		return func(err error) { done(err == nil) }, err
	}
	panic("gobreaker takes results in a new way")
}
