package usage

import (
	"go/ast"
	"go/types"

	"github.com/cladgo/clad/internal/standin"
)

// standIn is one container.Fallback, or container.FallbackMethod.
type standIn struct {
	said   Said
	method string // of one method
	tagging
}

// fallback notes a container.Fallback(ctor, options...) among a tag's options.
func (f *finder) fallback(t *tagging, call *ast.CallExpr) {
	s := standIn{said: said(t.pkg, call.Args[0]), tagging: tagging{pkg: t.pkg, call: call, policy: "none", chosen: map[string]Use{}}}
	s.said.Text = shortExpr(call.Args[0])
	for _, arg := range call.Args[1:] {
		option, ok := ast.Unparen(arg).(*ast.CallExpr)
		if !ok || callee(t.pkg, option) != fallbackPolicyFunc {
			continue
		}
		s.policy, _ = constantString(t.pkg, option.Args[0])
		for _, arg := range option.Args[1:] {
			f.option(&s.tagging, arg)
		}
	}
	t.fallbacks = append(t.fallbacks, s)
}

// fallbackMethod notes a container.FallbackMethod(method, function, options...).
func (f *finder) fallbackMethod(t *tagging, call *ast.CallExpr) {
	if method, ok := constantString(t.pkg, call.Args[0]); ok {
		t.fallbacks = append(t.fallbacks, standIn{said: said(t.pkg, call.Args[1]), method: method})
	}
}

// fallBack notes what a service falls back on: what stands in for it is a service
// beside it.
func (f *finder) fallBack(t *tagging, s *Service, r result) {
	done := false
	for i := range t.fallbacks {
		standIn := &t.fallbacks[i]
		if standIn.method != "" {
			if s.HasMethod(standIn.method) {
				s.Fallbacks = append(s.Fallbacks, Fallback{Said: standIn.said, Method: standIn.method})
			}
			continue
		}
		made, _ := f.provided(t.pkg, standIn.call.Args[0])
		for _, m := range made {
			if done || !types.AssignableTo(m.typ, r.typ) {
				continue
			}
			done = true
			name, group := standin.Named(r.name, r.group)
			f.service(&standIn.tagging, result{typ: r.typ, name: name, group: group})
			s.Fallbacks = append(s.Fallbacks, Fallback{Said: standIn.said})
		}
	}
}
