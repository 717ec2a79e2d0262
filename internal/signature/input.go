// Package signature tells from the types of a function, and where these leave it
// open from its arguments, what its attempts use up, whether they are part of a
// transaction, and what of its results is in use after the call. It is for
// functions that are wrapped at run time; for methods `clad gen` decides the same
// by the same rules.
package signature

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"slices"
)

// Holds reports whether values hold, at any depth, what an attempt uses up: an
// io.Reader, a cursor, a channel to receive from, an iterator; or a transaction,
// which the attempt may have ended. What is too large to look through counts as
// holding one.
func Holds(values ...any) bool {
	for _, v := range values {
		if holds(reflect.ValueOf(v)) {
			return true
		}
	}
	return false
}

func holds(v reflect.Value) bool {
	s := search{left: mostValues}
	return s.finds(v, 0) || s.left < 0
}

// search looks through values.
type search struct {
	left  int // values that may still be visited
	seen  map[seenPointer]bool
	types map[reflect.Type]bool // whether they may hold anything
}

type seenPointer struct {
	typ reflect.Type
	at  uintptr
}

const (
	mostValues = 100_000 // that are looked at
	deepest    = 10      // levels down
)

func (s *search) finds(v reflect.Value, depth int) bool {
	if s.left--; !v.IsValid() || depth > deepest || s.left < 0 {
		return false
	}
	t := v.Type()
	if !s.may(t) {
		return false
	}
	switch v.Kind() {
	case reflect.Interface:
		return s.finds(v.Elem(), depth)
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func:
		if v.IsNil() {
			return false
		}
	default:
	}
	if spends(t) {
		return !v.CanInterface() || !Nothing(v.Interface())
	}
	if ptr := reflect.PointerTo(t); v.CanAddr() && !v.IsZero() && spends(ptr) { // a bytes.Buffer in a struct that is pointed to
		return !v.CanInterface() || !Nothing(v.Addr().Interface())
	}
	switch v.Kind() {
	case reflect.Pointer:
		at := seenPointer{t, v.Pointer()}
		if s.seen[at] {
			return false
		}
		if s.seen == nil {
			s.seen = make(map[seenPointer]bool)
		}
		s.seen[at] = true
		return s.finds(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if s.finds(v.Index(i), depth+1) {
				return true
			}
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			if s.finds(entry.Value(), depth+1) {
				return true
			}
		}
	case reflect.Struct:
		return s.fields(v, depth)
	default:
	}
	return false
}

// may is mayHold, remembered: lists have many values of one type.
func (s *search) may(t reflect.Type) bool {
	may, known := s.types[t]
	if !known {
		if s.types == nil {
			s.types = make(map[reflect.Type]bool)
		}
		may = mayHold(t, nil)
		s.types[t] = may
	}
	return may
}

// fields looks through a struct. Of what others can't set, only readers and
// transactions count: a client in it has connections and channels of its own.
func (s *search) fields(v reflect.Value, depth int) bool {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case v.Type().Field(i).IsExported():
			if s.finds(f, depth+1) {
				return true
			}
		case f.Kind() == reflect.Interface:
			if !f.IsNil() && spendsUnseen(f.Elem().Type()) {
				return true
			}
		case spendsUnseen(f.Type()) && !(f.Kind() == reflect.Pointer && f.IsNil()):
			return true
		}
	}
	return false
}

// spends reports whether an attempt that is given a t leaves nothing for another.
func spends(t reflect.Type) bool { return usedUp(t) || isTransaction(t) }

// spendsUnseen is spends for what a struct keeps to itself.
func spendsUnseen(t reflect.Type) bool { return t.Implements(typeOfReader) || isTransaction(t) }

var (
	typeOfContext = reflect.TypeFor[context.Context]()
	typeOfError   = reflect.TypeFor[error]()
	typeOfReader  = reflect.TypeFor[io.Reader]()
	typeOfBool    = reflect.TypeFor[bool]()
	typeOfSignal  = reflect.TypeFor[struct{}]() // a channel of these is closed, not received from
)

// usedUp reports whether an attempt uses up what it is given as a t.
func usedUp(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Chan:
		return t.ChanDir() != reflect.SendDir && t.Elem() != typeOfSignal
	case reflect.Func:
		return isSequence(t) || isPull(t)
	default:
	}
	if t.Implements(typeOfReader) {
		return true
	}
	next, ok := t.MethodByName("Next") // pgx.CopyFromSource
	return ok && ends(next.Type)
}

// isTransaction reports whether what is done with a t is part of a transaction:
// *sql.Tx, pgx.Tx, *gorm.DB. What made one statement of it fail may have undone
// those before, and the next one then stands alone: after a deadlock MySQL
// carries it out at once, for good.
func isTransaction(t reflect.Type) bool {
	for _, name := range []string{"Commit", "Rollback"} {
		m, ok := t.MethodByName(name)
		if !ok {
			return false
		}
		params := m.Type.NumIn()
		if t.Kind() != reflect.Interface {
			params-- // the receiver
		}
		if params > 1 || m.Type.NumOut() == 0 {
			return false
		}
	}
	return true
}

// ends reports whether a function says by its last result that there is no more.
func ends(t reflect.Type) bool {
	n := t.NumOut()
	return n > 0 && (t.Out(n-1) == typeOfBool || t.Out(n-1) == typeOfError)
}

// isSequence reports whether t is an iter.Seq or Seq2.
func isSequence(t reflect.Type) bool {
	if t.NumIn() != 1 || t.NumOut() != 0 || t.In(0).Kind() != reflect.Func {
		return false
	}
	yield := t.In(0)
	return yield.NumIn() <= 2 && yield.NumOut() == 1 && yield.Out(0) == typeOfBool
}

// isPull reports whether t is like what iter.Pull returns: func() (T, bool).
func isPull(t reflect.Type) bool {
	return t.NumIn() == 0 && t.NumOut() > 1 && t.Out(t.NumOut()-1) == typeOfBool
}

// mayHold reports whether a value of type t can hold something that is used up.
func mayHold(t reflect.Type, around []reflect.Type) bool {
	if slices.Contains(around, t) {
		return false
	}
	if spends(t) || spends(reflect.PointerTo(t)) {
		return true
	}
	around = append(around, t)
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return mayHold(t.Elem(), around)
	case reflect.Struct:
		for i := range t.NumField() {
			if mayHold(t.Field(i).Type, around) {
				return true
			}
		}
	default:
	}
	return false
}

// Inputs says what the attempts of a function use up of their arguments.
type Inputs struct {
	Reads  []int // arguments that are io.Readers, which may be set back
	checks []int // those that may hold something
	spent  bool  // one of them is used up, or called, whatever its value
}

// InputsOf looks at the parameters of a function.
func InputsOf(t reflect.Type) Inputs {
	var in Inputs
	for i := range t.NumIn() {
		switch p := t.In(i); {
		case p.Implements(typeOfContext):
		case p.Implements(typeOfReader):
			in.Reads = append(in.Reads, i)
		case usedUp(p), p.Kind() == reflect.Func && !opens(p):
			in.spent = true
		case mayHold(p, nil):
			in.checks = append(in.checks, i)
		}
	}
	return in
}

// opens reports whether a function opens something to read, each time anew.
func opens(t reflect.Type) bool {
	return t.NumIn() == 0 && t.NumOut() > 0 && t.Out(0).Implements(typeOfReader)
}

// Spent reports whether an attempt with args leaves nothing for another, apart from
// what it reads.
func (in Inputs) Spent(args []reflect.Value) bool {
	if in.spent {
		return true
	}
	for _, i := range in.checks {
		if holds(args[i]) {
			return true
		}
	}
	return false
}

// Nothing reports whether there never was anything to read in v: it is nil.
func Nothing(v any) bool {
	if v == nil || v == any(http.NoBody) {
		return true
	}
	rv := reflect.ValueOf(v)
	return rv.Kind() == reflect.Pointer && rv.IsNil()
}
