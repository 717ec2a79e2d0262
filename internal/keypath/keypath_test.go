package keypath_test

import (
	"testing"

	"github.com/cladgo/clad/internal/keypath"
)

func TestJoin(t *testing.T) {
	for want, keys := range map[string][]string{
		"":                            nil,
		"policies":                    {"policies"},
		"policies.external-api.retry": {"policies", "external-api", "retry"},
		`services."payments.Gateway"`: {"services", "payments.Gateway"},
		`policies."two words".retry`:  {"policies", "two words", "retry"},
		`policies."".größe_2`:         {"policies", "", "größe_2"},
		`services."a.com/b.C".policy`: {"services", "a.com/b.C", "policy"},
		`policies."a\nb"`:             {"policies", "a\nb"},
	} {
		if got := keypath.Join(keys...); got != want {
			t.Errorf("%q: %s, want %s", keys, got, want)
		}
	}
}
