package usage

import (
	"go/ast"
	"go/types"
	"slices"

	"golang.org/x/tools/go/packages"
)

// reach knows which functions of the packages name which others, and the clients
// among these. It follows what types tell: not calls by interfaces of the program's
// own, behind which is a service of its own, mostly.
type reach struct {
	bodies  map[string]*reached // by the functions' full names
	decided map[*Client]bool    // whose own attempts somebody has decided about
}

type reached struct {
	functions []string
	clients   []*Client
	makes     []*types.Named // structs that literals make
}

func newReach(pkgs []*packages.Package) *reach {
	r := &reach{bodies: map[string]*reached{}, decided: map[*Client]bool{}}
	for _, p := range pkgs {
		if p.TypesInfo == nil {
			continue
		}
		for _, file := range p.Syntax {
			for _, d := range file.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || fn.Body == nil {
					continue
				}
				if obj, ok := p.TypesInfo.Defs[fn.Name].(*types.Func); ok {
					r.bodies[obj.FullName()] = bodyOf(p, fn.Body)
				}
			}
		}
		if _, ok := p.Imports[containerPath+"/cladredis"]; ok {
			r.decided[clientOf("github.com/redis/go-redis")] = true // the adapter turns them off
		}
		for _, obj := range p.TypesInfo.Uses {
			if obj.Pkg() == nil {
				continue
			}
			if c := clientOf(obj.Pkg().Path()); c != nil && slices.Contains(c.settings, obj.Name()) {
				r.decided[c] = true
			}
		}
	}
	return r
}

// bodyOf notes what a piece of code names.
func bodyOf(p *packages.Package, body ast.Node) *reached {
	found := &reached{}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if fn, ok := p.TypesInfo.Uses[n].(*types.Func); ok {
				found.functions = append(found.functions, fn.Origin().FullName())
				found.clients = append(found.clients, clientsIn(fn)...)
			}
		case *ast.CompositeLit:
			if named, ok := types.Unalias(p.TypesInfo.TypeOf(n)).(*types.Named); ok {
				found.makes = append(found.makes, named.Origin())
			}
		}
		return true
	})
	return found
}

// clientsIn are those that a function is of, or whose types it gives: the DBTX of
// sqlc gives a pgx.Row, whoever made it.
func clientsIn(fn *types.Func) []*Client {
	if fn.Pkg() != nil {
		if c := clientOf(fn.Pkg().Path()); c != nil {
			return []*Client{c}
		}
	}
	var found []*Client
	for result := range fn.Signature().Results().Variables() {
		if c := clientOfType(result.Type()); c != nil {
			found = append(found, c)
		}
	}
	return found
}

// clientOfType is the client that a type, or what it points to, is declared by.
func clientOfType(t types.Type) *Client {
	t = types.Unalias(t)
	if ptr, ok := t.(*types.Pointer); ok {
		t = types.Unalias(ptr.Elem())
	}
	if named, ok := t.(*types.Named); ok && named.Obj().Pkg() != nil {
		return clientOf(named.Obj().Pkg().Path())
	}
	return nil
}

// from follows what the function of a name comes to.
func (r *reach) from(names ...string) *reached {
	all, seen := &reached{}, map[string]bool{}
	for len(names) > 0 {
		name := names[len(names)-1]
		names = names[:len(names)-1]
		body := r.bodies[name]
		if body == nil || seen[name] {
			continue
		}
		seen[name] = true
		all.clients = append(all.clients, body.clients...)
		all.makes = append(all.makes, body.makes...)
		names = append(names, body.functions...)
	}
	all.clients = distinct(all.clients)
	return all
}

// distinct puts clients into the order of the table, each once.
func distinct(found []*Client) []*Client {
	var all []*Client
	for _, c := range clients {
		if slices.Contains(found, c) {
			all = append(all, c)
		}
	}
	return all
}

// comesTo returns by method which clients a service comes to, when it is made by a
// constructor: those that its own type is of, else those that the methods of what the
// constructor makes do. "" stands for a service that is a function.
func (r *reach) comesTo(p *packages.Package, ctor ast.Expr, service types.Type, methods []Method) map[string][]*Client {
	found := map[string][]*Client{}
	if c := clientOfType(service); c != nil {
		found[""] = []*Client{c}
		for _, m := range methods {
			found[m.Name] = found[""]
		}
		return found
	}
	made := bodyOf(p, ctor)
	inner := r.from(made.functions...)
	target, ok := service.Underlying().(*types.Interface)
	if !ok { // functions, whose bodies are within
		if all := distinct(append(made.clients, inner.clients...)); len(all) > 0 {
			found[""] = all
			for _, m := range methods {
				found[m.Name] = all
			}
		}
		return found
	}
	for _, named := range append(made.makes, inner.makes...) {
		if !types.Implements(named, target) && !types.Implements(types.NewPointer(named), target) {
			continue
		}
		for _, m := range methods {
			obj, _, _ := types.LookupFieldOrMethod(named, true, named.Obj().Pkg(), m.Name)
			fn, ok := obj.(*types.Func)
			if !ok {
				continue
			}
			all := append(clientsIn(fn), r.from(fn.Origin().FullName()).clients...)
			found[m.Name] = distinct(append(found[m.Name], all...))
		}
	}
	return found
}
