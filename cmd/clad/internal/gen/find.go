package gen

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/packages"
)

// A want is an interface, or a type of functions, that needs a proxy, and where.
type want struct {
	typ   types.Type
	home  place
	pos   token.Position // of the Tag call, or of what names the type to generic code around it, or none
	asked bool           // by -type
	b     *build
	key   string // of its proxy, once that is decided

	others []other // that its values are asserted to, or that are to be kept
}

// A finding is what one build shows: the interfaces that are wanted, and the
// Tag calls that can't be understood or wrapped.
type finding struct {
	wants    []want
	funcs    []want // types of functions, which nobody asserts to anything
	errs     []error
	warnings []string
	notes    []string
}

// A finder goes through the Tag calls of a build.
type finder struct {
	*finding
	b *build
	x *index
}

func find(b *build) *finding {
	f := &finder{finding: &finding{}, b: b, x: newIndex(b)}
	for _, p := range b.pkgs {
		for _, file := range p.Syntax {
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && f.isTag(p, call) {
					f.tag(p, call)
				}
				return true
			})
		}
	}
	return f.finding
}

func (f *finder) isTag(p *packages.Package, call *ast.CallExpr) bool {
	return len(call.Args) >= 2 && slices.ContainsFunc(f.x.callees(p, call), func(c callee) bool { return c.is(tagFunc) })
}

// wanted reports whether proxies for home are asked for at all. The files of a
// package appear once more in its test variant, which counts for test files only.
func (f *finder) wanted(home place) bool {
	return f.b.asked[home.pkg] && isTestFile(home.file) == (home.pkg.ForTest != "")
}

// hasProxy reports whether somebody wrote a proxy or wrapper for t by hand.
func (x *index) hasProxy(t types.Type) bool {
	_, ok := x.registered[keyOf(t)]
	return ok
}

// A tagging is one Tag call and what it says.
type tagging struct {
	pkg  *packages.Package
	pos  token.Position
	as   []provided // container.As
	keep []provided // container.Keep
}

func (t tagging) at() string { return fmt.Sprintf("%s:%d", relative(t.pos.Filename), t.pos.Line) }

// provided is a type under which a result comes out, and where the proxy goes.
type provided struct {
	typ  types.Type
	home place
	pos  token.Position // of the instantiation that it comes from, or none
}

func (f *finder) tag(p *packages.Package, call *ast.CallExpr) {
	home := placeOf(p, call)
	t := tagging{pkg: p, pos: position(p, call)}
	for i, opt := range call.Args[2:] {
		depth := 0
		if call.Ellipsis.IsValid() && i == len(call.Args)-3 {
			depth = 1
		}
		for _, l := range f.x.trace(value{pkg: p, expr: opt, depth: depth}, home).leaves {
			t.as = append(t.as, f.arguments(t, l, asFunc)...)
			t.keep = append(t.keep, f.arguments(t, l, keepFunc)...)
		}
	}
	if slices.ContainsFunc(t.as, func(as provided) bool { return !f.isInterface(t, "As", as) }) ||
		slices.ContainsFunc(t.keep, func(kept provided) bool { return !f.isInterface(t, "Keep", kept) }) {
		return
	}
	traced := f.x.trace(value{pkg: p, expr: call.Args[0]}, home)
	for _, v := range traced.unknown {
		if len(t.as) == 0 && f.wanted(home) {
			f.fail(t.pos, "can't tell which constructor %s holds (%s): give it to container.Tag directly, or name the interface with container.As or with -type",
				types.ExprString(call.Args[0]), position(v.pkg, v.expr))
		}
	}
	if len(traced.leaves) == 0 {
		if len(traced.unknown) == 0 && !traced.uncalled && f.wanted(home) {
			f.fail(t.pos, "can't tell which constructor %s holds: give it to container.Tag directly", types.ExprString(call.Args[0]))
		}
		if traced.uncalled {
			f.notes = append(f.notes, t.at()+": container.Tag in a function that nothing in these packages calls")
		}
		for _, as := range t.as {
			f.provide(t, as)
		}
		return
	}
	for _, l := range traced.leaves {
		f.constructor(t, l)
	}
}

// arguments are the type arguments of a container.As or Keep call, for every place
// that instantiates the function around it.
func (f *finder) arguments(t tagging, l leaf, option string) []provided {
	call, ok := l.expr.(*ast.CallExpr)
	if !ok || !slices.ContainsFunc(f.x.callees(l.pkg, call), func(c callee) bool { return c.is(option) }) {
		return nil
	}
	fun := ast.Unparen(call.Fun)
	if index, ok := fun.(*ast.IndexExpr); ok {
		as, _ := f.concrete(t, provided{typ: l.pkg.TypesInfo.TypeOf(index.Index), home: l.home})
		return as
	}
	return nil
}

// isInterface reports whether container.As or Keep names an interface, and says so
// if it doesn't.
func (f *finder) isInterface(t tagging, option string, as provided) bool {
	if types.IsInterface(as.typ) {
		return true
	}
	if f.wanted(as.home) {
		f.fail(t.pos, "container.%s[%s]: not an interface", option, short(as.typ, as.home.pkg))
	}
	return false
}

// provide records that a result comes out as an interface.
func (f *finder) provide(t tagging, as provided) {
	if !f.wanted(as.home) || f.adapted(t, as) {
		return
	}
	if at, ok := f.x.registered[keyOf(as.typ)]; ok {
		f.notes = append(f.notes, fmt.Sprintf("%s: %s has the proxy registered at %s:%d", t.at(), short(as.typ, as.home.pkg), relative(at.Filename), at.Line))
		return
	}
	w := want{typ: as.typ, home: as.home, pos: t.pos, b: f.b}
	if as.pos.IsValid() {
		w.pos = as.pos
	}
	if wrapsWithoutProxy(as.typ) {
		f.funcs = append(f.funcs, w)
		return
	}
	own := methodSetOf(w.typ)
	for _, kept := range t.keep {
		if more := methodSetOf(kept.typ); !own.includes(more) && !own.conflicts(more) {
			w.other(kept.typ).keep = true
		}
	}
	f.wants = append(f.wants, w)
}

func (f *finder) fail(pos token.Position, format string, args ...any) {
	f.errs = append(f.errs, &Problem{Pos: pos, Message: "container.Tag: " + fmt.Sprintf(format, args...)})
}

// A Problem is something in the source that clad gen can't do, and where.
type Problem struct {
	Pos     token.Position
	Message string
}

func (p *Problem) Error() string {
	if !p.Pos.IsValid() {
		return p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", relative(p.Pos.Filename), p.Pos.Line, p.Pos.Column, p.Message)
}

// byPosition orders errors as a reader meets their places.
func byPosition(a, b error) int {
	p, q := problemPos(a), problemPos(b)
	return cmp.Or(cmp.Compare(p.Filename, q.Filename), cmp.Compare(p.Line, q.Line),
		cmp.Compare(p.Column, q.Column), cmp.Compare(a.Error(), b.Error()))
}

func problemPos(err error) token.Position {
	var p *Problem
	if errors.As(err, &p) {
		return p.Pos
	}
	var r *Refusal
	if errors.As(err, &r) {
		return r.Pos
	}
	return token.Position{}
}

// short prints a type the way a file of p would.
func short(t types.Type, p *packages.Package) string {
	return types.TypeString(t, func(other *types.Package) string {
		if other.Path() == p.Types.Path() {
			return ""
		}
		return other.Name()
	})
}
