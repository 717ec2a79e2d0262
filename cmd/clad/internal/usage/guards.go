package usage

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"

	"github.com/cladgo/clad/cmd/clad/internal/adapters"
	"golang.org/x/tools/go/packages"
)

// Guard says how calls of a method are guarded.
type Guard int

// How proxies guard methods.
const (
	Guarded    Guard = iota // under the method's policy
	Once                    // the same, but never again once it may have reached the dependency
	Optional                // only where a policy is chosen for the method itself
	Unguarded               // never: there is no error to judge by
	NoTimeouts              // without timeouts: it takes no context
	Single                  // one attempt, whatever is chosen: it uses up what it is given
	Rewinds                 // another attempt only where its input can be read again
	Safe                    // safe to repeat
	Hedges                  // the same, also twice at once
)

// Method is one method that a policy can be chosen for.
type Method struct {
	Name       string
	Guard      Guard
	NoTimeouts bool // it takes no context, whatever else its guard says
}

// guardMethods are the methods of container.Methods by which a proxy says how it
// guards.
var guardMethods = map[string]Guard{
	"(" + methodsType + ").Method":         Guarded,
	"(" + methodsType + ").Once":           Once,
	"(" + methodsType + ").Optional":       Optional,
	"(" + methodsType + ").Unguarded":      Unguarded,
	"(" + methodsType + ").WithoutContext": NoTimeouts,
	"(" + methodsType + ").Single":         Single,
	"(" + methodsType + ").Rewinds":        Rewinds,
	"(" + methodsType + ").Safe":           Safe,
	"(" + methodsType + ").Hedges":         Hedges,
}

// registrations reads proxies, generated or written by hand, for how they guard:
// functions such as func(next Gateway, m container.Methods) Gateway.
func (f *finder) registrations(p *packages.Package) {
	for _, file := range p.Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			var body *ast.BlockStmt
			var sig *types.Signature
			switch n := n.(type) {
			case *ast.FuncDecl:
				body = n.Body
				if fn, ok := p.TypesInfo.Defs[n.Name].(*types.Func); ok {
					sig = fn.Signature()
				}
			case *ast.FuncLit:
				body = n.Body
				sig, _ = p.TypesInfo.TypeOf(n).(*types.Signature)
			}
			if body != nil && makesProxy(sig) {
				f.guardsIn(p, body, guardKey(sig.Params().At(0).Type()))
			}
			return true
		})
	}
}

func makesProxy(sig *types.Signature) bool {
	return sig != nil && sig.Params().Len() == 2 && sig.Results().Len() == 1 &&
		isNamed(sig.Params().At(1).Type(), methodsType) &&
		types.Identical(sig.Params().At(0).Type(), sig.Results().At(0).Type())
}

func (f *finder) guardsIn(p *packages.Package, body *ast.BlockStmt, key string) {
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		guard, ok := guardMethods[callee(p, call)]
		if !ok {
			return true
		}
		if name, ok := constantString(p, call.Args[0]); ok {
			if f.guards[key] == nil {
				f.guards[key] = map[string]Method{}
			}
			m := f.guards[key][name]
			m.NoTimeouts = m.NoTimeouts || guard == NoTimeouts
			m.Name, m.Guard = name, guard
			f.guards[key][name] = m
		}
		return true
	})
}

// guardKey identifies a type; all instances of a generic one are the same, as
// they share their proxy.
func guardKey(t types.Type) string {
	if named, ok := types.Unalias(t).(*types.Named); ok && named.Obj().Pkg() != nil {
		return named.Obj().Pkg().Path() + "." + named.Obj().Name()
	}
	return types.TypeString(t, (*types.Package).Path)
}

// methods lists the methods of what is provided, and whether it is wrapped at
// all.
func (f *finder) methods(t types.Type) (found []Method, wrapped bool) {
	if a, ok := adapters.Of(t); ok {
		for _, name := range a.Methods {
			found = append(found, Method{Name: name})
		}
		return found, true
	}
	guards := f.guards[guardKey(t)]
	if ptr, ok := types.Unalias(t).(*types.Pointer); ok {
		t = ptr.Elem()
	}
	switch u := t.Underlying().(type) {
	case *types.Interface:
		for m := range u.Methods() {
			method, known := guards[m.Name()]
			if !known {
				guard := guardOf(m.Signature())
				method = Method{m.Name(), guard, guard == NoTimeouts}
			}
			found = append(found, method)
		}
		for _, name := range slices.Sorted(maps.Keys(guards)) { // offered beyond the interface
			if !slices.ContainsFunc(found, func(m Method) bool { return m.Name == name }) {
				found = append(found, guards[name])
			}
		}
		return found, true
	case *types.Signature:
		return []Method{}, guardOf(u) == Guarded
	case *types.Struct:
		for field := range u.Fields() {
			sig, ok := field.Type().Underlying().(*types.Signature)
			if !ok || !field.Exported() {
				return nil, false
			}
			if guardOf(sig) == Guarded {
				found = append(found, Method{Name: field.Name()})
			}
		}
	}
	return found, len(found) > 0
}

// guardOf is how clad gen guards a method of this kind, if nothing else is said.
func guardOf(sig *types.Signature) Guard {
	params, results := sig.Params(), sig.Results()
	switch {
	case results.Len() == 0 || !types.Identical(results.At(results.Len()-1).Type(), types.Universe.Lookup("error").Type()):
		return Unguarded
	case params.Len() == 0 || !isNamed(params.At(0).Type(), "context.Context"):
		return NoTimeouts
	default:
		return Guarded
	}
}
