package sqlerr_test

import (
	"testing"

	"github.com/cladgo/clad/internal/sqlerr"
	"github.com/cladgo/clad/policy"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type stateError string

func (e stateError) Error() string    { return "no" }
func (e stateError) SQLState() string { return string(e) }

// The drivers' own are tested with them: in test/sql, and in test/clients.
func TestSQLStates(t *testing.T) {
	failed, answered := sqlerr.Meaning{Verdict: policy.Failed}, sqlerr.Meaning{Verdict: policy.Answered}
	contended := sqlerr.Meaning{Verdict: policy.Failed, NoEffect: true, Neutral: true}
	gone := sqlerr.Meaning{Verdict: policy.Failed, Lost: true}
	for state, want := range map[string]sqlerr.Meaning{
		"":      failed,
		"40001": contended, "40P01": contended, "55P03": contended,
		"40002": answered, "23505": answered, "42601": answered, "08P01": answered,
		"25006": {Verdict: policy.Failed, NoEffect: true, ReadOnly: true},
		"53300": {Verdict: policy.Failed, NoEffect: true, Full: true},
		"57014": {Verdict: policy.Failed, NoEffect: true},
		"57P03": {Verdict: policy.Failed, NoEffect: true},
		"57P01": gone, "08006": gone,
		"25P03": {Verdict: policy.Answered, Lost: true},
		"53100": failed, "XX000": failed,
	} {
		if got, ok := sqlerr.Of(stateError(state)); !ok || got != want {
			t.Errorf("%q means %+v, %v, want %+v", state, got, ok, want)
		}
	}
}
