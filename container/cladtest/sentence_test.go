package cladtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladtest"
)

// every has an event of each kind.
var every = []container.Event{
	container.AttemptFailed{Operation: "bank"}, container.Retrying{Operation: "bank"}, container.HedgeStarted{Operation: "bank"}, container.HedgeWon{Operation: "bank"},
	container.Waited{Operation: "bank"}, container.Rejected{Operation: "bank"}, container.TimedOut{Operation: "bank"},
	container.Overrun{Operation: "bank"}, container.Tripped{Operation: "bank"}, container.Probed{Operation: "bank"},
	container.FellBack{Operation: "bank"}, container.ServedStale{Operation: "bank"}, container.Injected{Operation: "bank"},
	container.Transition{}, container.Reloaded{}, container.Alone{}, container.Rejoined{}, container.Followed{},
}

// A record left out what later layers did: hedges, fallbacks, old answers, chaos.
func TestEveryEventIsKeptWithItsOperation(t *testing.T) {
	told := make(map[string]bool)
	for _, event := range every {
		name := reflect.TypeOf(event).Name()
		told[name] = true
		if s := cladtest.Sentence(event); strings.Contains(s, "container.") {
			t.Errorf("%s has no sentence: %s", name, s)
		}
		if _, has := reflect.TypeOf(event).FieldByName("Operation"); has && cladtest.OperationOf(event) != "bank" {
			t.Errorf("%s is kept as of %q", name, cladtest.OperationOf(event))
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "../event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Name.Name == "event" && fn.Recv != nil {
			found++
			if name := fn.Recv.List[0].Type.(*ast.Ident).Name; !told[name] {
				t.Errorf("container.%s is not among every event of this test", name)
			}
		}
	}
	if found != len(every) {
		t.Errorf("%d kinds of events, of which this test knows %d", found, len(every))
	}
}
