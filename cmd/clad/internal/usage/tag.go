package usage

import (
	"fmt"
	"go/ast"
	"go/types"
	"path"
	"strings"

	"github.com/cladgo/clad/policy"
	"golang.org/x/tools/go/packages"
)

// tagging is one container.Tag call.
type tagging struct {
	pkg    *packages.Package
	call   *ast.CallExpr
	policy string // "" where that can't be told
	as     []types.Type
	chosen map[string]Use
	errors ServiceErrors

	fallbacks []standIn
}

// tag looks at container.Tag(ctor, policy, options...).
func (f *finder) tag(p *packages.Package, call *ast.CallExpr) {
	t := &tagging{pkg: p, call: call, chosen: map[string]Use{}}
	by := fmt.Sprintf("container.Tag(%s)", shortExpr(call.Args[0]))
	if u, ok := f.use(p, call.Args[1], by); ok {
		if t.policy = u.Policy; t.policy == "" {
			t.policy = policy.StandardName
			f.Uses[len(f.Uses)-1].Policy = t.policy
		}
	}
	for _, arg := range call.Args[2:] {
		f.option(t, arg)
	}
	if call.Ellipsis.IsValid() {
		f.unknown(p, call.Args[len(call.Args)-1], by+": its options are in a slice, and not checked")
	}
	types, known := f.provided(p, call.Args[0])
	if !known {
		f.unknown(p, call.Args[0], by+": can't tell what it provides, so choices for that are not checked")
	}
	for _, typ := range types {
		f.provide(t, typ)
	}
}

// option looks at container.Method, As, Answers, Judge and the fallbacks. The name of the policy in
// the former is noted where every call is looked at.
func (f *finder) option(t *tagging, arg ast.Expr) {
	call, ok := ast.Unparen(arg).(*ast.CallExpr)
	if !ok {
		return
	}
	switch callee(t.pkg, call) {
	case methodFunc:
		method, known := constantString(t.pkg, call.Args[0])
		name, constant := constantString(t.pkg, call.Args[1])
		if known && constant {
			t.chosen[method] = Use{Policy: name, At: position(t.pkg, call.Args[1])}
		}
	case asFunc:
		if index, ok := ast.Unparen(call.Fun).(*ast.IndexExpr); ok {
			t.as = append(t.as, t.pkg.TypesInfo.TypeOf(index.Index))
		}
	case answersFunc:
		for _, e := range call.Args {
			t.errors.Answers = append(t.errors.Answers, said(t.pkg, e))
		}
	case fallbackFunc:
		f.fallback(t, call)
	case fallbackMethodFunc:
		f.fallbackMethod(t, call)
	case judgeFunc:
		for _, e := range call.Args {
			t.errors.Judges = append(t.errors.Judges, said(t.pkg, e))
		}
	}
}

func said(p *packages.Package, e ast.Expr) Said { return Said{shortExpr(e), position(p, e)} }

// provide notes a type that a tagged constructor provides, if it is wrapped: as
// the interfaces that container.As names, or as itself.
func (f *finder) provide(t *tagging, r result) {
	replaced := false
	for _, as := range t.as {
		if types.AssignableTo(r.typ, as) {
			replaced = true
			f.service(t, result{typ: as, policy: r.policy, name: r.name, group: r.group})
		}
	}
	if !replaced {
		f.service(t, r)
	}
}

func (f *finder) service(t *tagging, r result) {
	methods, wrapped := f.methods(r.typ)
	if !wrapped || r.policy == "none" { // said so at the field: it is not wrapped
		return
	}
	named := types.Unalias(r.typ)
	if ptr, ok := named.(*types.Pointer); ok {
		named = ptr.Elem() // *http.Client goes by the name of http.Client
	}
	s := Service{
		Type: typeID(named), Full: fullID(named), Name: r.name, Group: r.group, At: position(t.pkg, t.call),
		Policy: t.policy, Chosen: t.chosen, Methods: methods, Paths: isNamed(r.typ, grpcConnType),
		Errors: t.errors,
	}
	s.Errors.Clients = f.reach.comesTo(t.pkg, t.call.Args[0], r.typ, methods)
	s.Errors.Settled = f.reach.decided
	if r.policy != "" {
		s.Policy = r.policy
	}
	if _, isFunc := types.Unalias(r.typ).(*types.Signature); isFunc { // it goes by the name of its constructor
		s.Type = functionID(t.pkg, t.call.Args[0])
		s.Full = s.Type
	}
	f.fallBack(t, &s, r)
	if s.Type != "" {
		f.Services = append(f.Services, s)
	}
}

// functionID names a constructor as the runtime does.
func functionID(p *packages.Package, e ast.Expr) string {
	id := identOf(e)
	if id == nil {
		return ""
	}
	fn, ok := p.TypesInfo.ObjectOf(id).(*types.Func)
	if !ok || fn.Pkg() == nil {
		return ""
	}
	return path.Base(fn.Pkg().Path()) + "." + fn.Name()
}

// shortExpr prints an expression as far as it tells what it is about.
func shortExpr(e ast.Expr) string {
	if call, ok := ast.Unparen(e).(*ast.CallExpr); ok && len(call.Args) > 0 { // fx.Annotate(ctor, ...)
		return shortExpr(call.Args[0])
	}
	if lit, ok := ast.Unparen(e).(*ast.CompositeLit); ok {
		return types.ExprString(lit.Type) + "{...}"
	}
	if _, ok := ast.Unparen(e).(*ast.FuncLit); ok {
		return "func"
	}
	text := types.ExprString(e)
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return text
}
