package schema_test

import (
	"testing"
	"testing/fstest"

	"github.com/cladgo/clad/config"
)

// An editor never underlines what Load accepts.
func FuzzSchemaAcceptsWhatLoadDoes(f *testing.F) {
	for _, block := range referenceBlocks(f) {
		f.Add(block)
	}
	f.Add([]byte("policies: {p: {timeout: +1m.5s, retry: {max_elapsed: -0s}}, ä-1: none}"))
	f.Add([]byte("rate_limiters: {a: {requests_per_second: 1e3, burst: 1_000}}"))
	f.Add([]byte("policies: {p: &p {retry: 3}, q: {<<: *p, extends: none, order: none}}"))
	f.Add([]byte("services: {\"func() error\": {policy: none}, x/y.Z[int]: {methods: {_ä: none}}}\nreload: true"))
	schema := compile(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := config.Load(fstest.MapFS{"test.yaml": {Data: text}}, "test", nil); err != nil {
			return
		}
		value, err := instance(text)
		if err != nil {
			t.Fatalf("Load accepts what is not JSON: %v", err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("Load accepts it, the schema does not: %v", err)
		}
	})
}
