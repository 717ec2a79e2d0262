package gen

import (
	"reflect"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty"
	functions "github.com/cladgo/clad/internal/signature"
)

// TestProxiesAndFunctionsAgree: what a function without a proxy gets at run time
// is what a proxy of a method of its type does.
func TestProxiesAndFunctionsAgree(t *testing.T) {
	lives := map[life]functions.Life{
		open: functions.Opens, held: functions.Held, cursor: functions.Cursor,
		body: functions.Body, fieldBody: functions.Body, pointerBody: functions.Body,
	}
	u := unitOf(t, "testdata/nasty")
	proxies, err := u.choose(u.viewpoint(func(string) bool { return false }))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, p := range proxies {
		typ, ok := map[string]reflect.Type{
			"Lives": reflect.TypeFor[nasty.Lives](), "Consumes": reflect.TypeFor[nasty.Consumes](), "Types": reflect.TypeFor[nasty.Types](),
		}[p.base]
		if !ok {
			continue
		}
		for _, m := range p.methods {
			if m.name == "Bounded" {
				continue // by a directive
			}
			method, _ := typ.MethodByName(m.name)
			want := functions.LastingOf(method.Type).Life
			got := functions.Ends
			if m.outlive.what != "" {
				got = lives[m.outlive.life]
			}
			if got != want {
				t.Errorf("%s.%s: %v in a proxy, %v in a function", p.base, m.name, got, want)
			}
			compared++
		}
	}
	if compared < 40 {
		t.Errorf("only %d methods compared", compared)
	}
}
