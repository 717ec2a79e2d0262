package jsonio_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cladgo/clad/examples/app/jsonio"
)

type body struct {
	name  string
	on    bool
	count int
	share float64
}

func (b *body) fields() jsonio.Fields {
	return jsonio.Fields{"name": &b.name, "on": &b.on, "count": &b.count, "share": &b.share}
}

func TestDecode(t *testing.T) {
	var b body
	err := jsonio.Decode(strings.NewReader(` {"name": "x", "on": true, "count": 3, "share": 0.5} `), b.fields())
	if want := (body{"x", true, 3, 0.5}); err != nil || b != want {
		t.Errorf("got %+v, %v", b, err)
	}
	if err := jsonio.Decode(strings.NewReader("{}"), b.fields()); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string][]string{
		`{"nam": "x"}`:              {"nam: unknown; there are: count, name, on, share"},
		`{"name": 1}`:               {"name: 1; want a string in quotes"},
		`{"on": "true"}`:            {`on: "true"; want a bool (true or false)`},
		`{"count": 1.5}`:            {"count: 1.5; want a whole number"},
		`{"share": "all"}`:          {`share: "all"; want a number`},
		`{"on": null}`:              {"on: null; leave it out instead"},
		`{"on": true, "on": false}`: {"on: given twice"},
		`{"on": 1, "x": 2, "name": 3, "name": "y"}`: {
			"on: 1; want a bool", "x: unknown", "name: 3; want a string", "name: given twice",
		},
		``:               {"not one JSON object: it ends too early"},
		`[]`:             {"not one JSON object: it begins with ["},
		`"x"`:            {"not one JSON object: it begins with x"},
		`{} {}`:          {"not one JSON object: something follows it"},
		`{"on": 1, "`:    {"on: 1; want a bool", "not one JSON object: it ends too early"},
		`{"on": tru}`:    {"not one JSON object: invalid character"},
		`{"on": true`:    {"not one JSON object: it ends too early"},
		`{'on': true}`:   {"not one JSON object: invalid character"},
		`{"name": {}, }`: {"name: {}; want a string", "not one JSON object: invalid character"},
	} {
		var b body
		err := jsonio.Decode(strings.NewReader(text), b.fields())
		var mistakes *jsonio.MistakesError
		if !errors.As(err, &mistakes) || len(mistakes.Mistakes) != len(want) {
			t.Errorf("%s: %v; want %q", text, err, want)
			continue
		}
		for i, m := range mistakes.Mistakes {
			if !strings.Contains(m.String(), want[i]) {
				t.Errorf("%s: %q; want %q in it", text, m, want[i])
			}
		}
	}
}

func TestLargeBodiesAreRefused(t *testing.T) {
	var b body
	text := `{"name": "` + strings.Repeat("x", 1<<20) + `"}`
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text))
	if err := jsonio.Read(w, r, b.fields()); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"on": true, "count": 1}`, `{"on": 1, "x": 2}`, `[`, `{"on": true} x`, `{"name": null}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b body
		err := jsonio.Decode(strings.NewReader(text), b.fields())
		var mistakes *jsonio.MistakesError
		if err != nil && (!errors.As(err, &mistakes) || len(mistakes.Mistakes) == 0) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
