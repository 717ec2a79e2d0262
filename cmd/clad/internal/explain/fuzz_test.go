package explain_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cladgo/clad/cmd/clad/internal/explain"
	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/config"
)

// Whatever Load accepts can be explained, in full and in every part, and
// compared with itself and with nothing.
func FuzzExplain(f *testing.F) {
	for _, file := range []string{"../../../../configs/production.yaml", "../../../../configs/development.yaml", "testdata/production.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), int64(30*time.Second))
	}
	f.Add("policies: {p: {retry: {max_attempts: 2147483647, backoff: {max_delay: 0s}}, attempt_timeout: 2562047h}}", int64(-1))
	f.Add("policies: {p: {rate_limit: {requests_per_second: 1e-320, max_wait: 2562047h}, retry: 3, timeout: 1ns, circuit_breaker: {window: 1ns}}}", int64(0))
	f.Add("policies: {p: {circuit_breaker: {name: b}}, q: {circuit_breaker: {name: b, failure_rate: 1, window: 9h}}, r: {extends: p, order: none}}\nservices: {a.b/c.D[e.F]: {methods: {X: r}}}", int64(0))
	f.Add("services: {\"a\\e[2J\": {policy: none}}", int64(0))
	none, err := config.Load(fstest.MapFS{"none.yaml": {Data: []byte("{}")}}, "none", nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, patience int64) {
		p, err := config.Load(fstest.MapFS{"test.yaml": {Data: []byte(text)}}, "test", nil)
		if err != nil {
			return
		}
		o := explain.Options{Patience: time.Duration(patience)}
		r := explain.New(p, o)
		check(t, r)
		for _, policy := range r.Policies {
			checkPolicy(t, policy)
			part(t, r, policy.Name)
		}
		for _, s := range r.Services {
			part(t, r, s.Name)
			for _, m := range s.Methods {
				part(t, r, s.Name+"."+m.Name)
			}
		}
		if d, err := explain.Diff(p, p, "", o); err != nil || len(d.Rows) > 0 {
			t.Errorf("compared with itself: %v, %v", d, err)
		}
		d, err := explain.Diff(none, p, "", o)
		if err != nil || len(d.Rows) == 0 && len(r.Policies) > 0 {
			t.Errorf("compared with nothing: %v, %v", d, err)
		}
		check(t, d)
	})
}

type printed interface {
	Print(w io.Writer, c terminal.Colours)
}

// check prints in both forms.
func check(t *testing.T, r printed) {
	t.Helper()
	var text bytes.Buffer
	r.Print(&text, terminal.Colours{})
	if text.Len() == 0 || !utf8.Valid(text.Bytes()) {
		t.Errorf("printed as %q", text.Bytes())
	}
	for _, c := range text.String() {
		if c != '\n' && !unicode.IsPrint(c) {
			t.Fatalf("it does something to the terminal: %q", text.String())
		}
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

func checkPolicy(t *testing.T, p explain.Policy) {
	t.Helper()
	if p.Attempts < 1 || p.Worst <= 0 || p.Formula == "" {
		t.Errorf("%s: %d attempts, %v = %q", p.Name, p.Attempts, p.Worst, p.Formula)
	}
	for _, l := range p.Layers {
		if l.Value == "" && len(l.Settings) == 0 {
			t.Errorf("%s: %s has no settings", p.Name, l.Key)
		}
	}
}

func part(t *testing.T, r *explain.Report, target string) {
	t.Helper()
	found, err := r.Only(strings.TrimSuffix(target, "."))
	if err != nil {
		t.Fatal(err)
	}
	check(t, found)
}
