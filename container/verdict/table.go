package verdict

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/cladgo/clad/internal/modulepath"
	"github.com/cladgo/clad/policy"
)

// client is what is known of the errors of one client.
type client struct {
	// types says how errors are recognised by the full names of their types:
	// "net.OpError", for a pointer to it as well, without the major version of the
	// module.
	types map[string]func(error) Meaning
	// around says what an error of a type means that wraps another, by what is known
	// of that.
	around map[string]func(err error, within Meaning) Meaning
	// methods say how errors are recognised by methods that they have.
	methods []method
	// texts are the errors that a client makes by errors.New: each has nothing but
	// its text, which therefore has to name the client, or something that is only
	// its own. "not Connected" may be anybody's, who has sent something before.
	texts map[string]Meaning
	// beginnings are those of such texts that go on with particulars; the longest
	// counts.
	beginnings map[string]Meaning
	// values are errors that are there without any import.
	values map[error]Meaning
	// names are those that profiles may use for errors: of texts, or of what a
	// function picks out, looking at one error and not at what it wraps.
	names map[string]func(error) bool
}

type method struct {
	of        reflect.Type // an interface
	recognise func(error) Meaning
}

// clients lists all that are known.
var clients = []*client{&standard, &netHTTP, &redis, &grpc, &nats, &amqp, &aws, &mongo, &kafka, &mqtt, &memcache, &elasticsearch, &cloud, &connect, &twirp, &cassandra, &database}

// tables are the clients' put together, when the first failure asks.
var tables = sync.OnceValue(func() *client {
	all := &client{
		types: map[string]func(error) Meaning{}, texts: map[string]Meaning{}, beginnings: map[string]Meaning{},
		values: map[error]Meaning{}, names: map[string]func(error) bool{}, around: map[string]func(error, Meaning) Meaning{},
	}
	for _, c := range clients {
		maps.Copy(all.types, c.types)
		maps.Copy(all.around, c.around)
		all.methods = append(all.methods, c.methods...)
		maps.Copy(all.texts, c.texts)
		maps.Copy(all.beginnings, c.beginnings)
		maps.Copy(all.values, c.values)
		maps.Copy(all.names, c.names)
	}
	return all
})

// Names lists the errors that profiles may name.
func Names() []string { return slices.Sorted(maps.Keys(tables().names)) }

// Named returns what tells whether an error, or one that it wraps, is the one of
// that name; it is false for a name that is not known.
func Named(name string) (is func(error) bool, ok bool) {
	one, ok := tables().names[name]
	if !ok {
		return func(error) bool { return false }, false
	}
	return func(err error) bool { return wraps(err, one) }, true
}

// wraps reports whether one holds for any error in err's tree.
func wraps(err error, one func(error) bool) bool {
	if err == nil {
		return false
	}
	if one(err) {
		return true
	}
	switch e := err.(type) { //nolint:errorlint // this is the walk
	case interface{ Unwrap() error }:
		return wraps(e.Unwrap(), one)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(err error) bool { return wraps(err, one) })
	}
	return false
}

// of knows errors by what they are, without looking further in.
func of(t reflect.Type, err error) Meaning {
	if t == typeOfText {
		if m, ok := tables().values[err]; ok {
			return m
		}
		return ofText(err.Error())
	}
	if recognise := kindOf(t).recognise; recognise != nil {
		return recognise(err)
	}
	return unknown
}

func ofText(text string) Meaning {
	if m, ok := tables().texts[text]; ok {
		return m
	}
	if text == "" {
		return unknown
	}
	for _, beginning := range beginnings()[text[0]] {
		if strings.HasPrefix(text, beginning) {
			return tables().beginnings[beginning]
		}
	}
	return unknown
}

// beginnings are those of texts by their first byte, the longest first: failures
// whose text nobody knows look at a few.
var beginnings = sync.OnceValue(func() *[256][]string {
	var by [256][]string
	for beginning := range tables().beginnings {
		by[beginning[0]] = append(by[beginning[0]], beginning)
	}
	for _, list := range by {
		slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	}
	return &by
})

// kind is what is known of a type of errors.
type kind struct {
	recognise func(error) Meaning                     // nil: nothing
	around    func(err error, within Meaning) Meaning // nil: what it wraps says all
}

// kinds remembers them. There are no more than types in the program.
var kinds sync.Map // reflect.Type -> kind

func kindOf(t reflect.Type) kind {
	known, ok := kinds.Load(t)
	if !ok {
		known, _ = kinds.LoadOrStore(t, newKind(t))
	}
	return known.(kind)
}

func newKind(t reflect.Type) kind {
	name := nameOf(t)
	k := kind{tables().types[name], tables().around[name]}
	if k.recognise != nil || k.around != nil {
		return k
	}
	for _, m := range tables().methods {
		if t.Implements(m.of) {
			return kind{recognise: m.recognise}
		}
	}
	return k
}

func nameOfError(err error) string { return nameOf(reflect.TypeOf(err)) }

// nameOf is a type's full name, without the major version of its module:
// "net.OpError", for a pointer as well.
func nameOf(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return modulepath.WithoutMajor(t.PkgPath()) + "." + t.Name()
}

func always(m Meaning) func(error) Meaning { return func(error) Meaning { return m } }

// repeats is around the last one of several attempts of the client's own: that this
// one had no effect says nothing of those before it.
func repeats(_ error, within Meaning) Meaning {
	if within.Verdict == policy.Failed {
		within.NoEffect = false
	}
	return within
}

// connects is around why there was no connection, so that nothing was sent.
func connects(_ error, within Meaning) Meaning {
	if within.Verdict == policy.Failed || within == unknown {
		within.Verdict, within.NoEffect = policy.Failed, true
	}
	return within
}

// text returns the text in a field of a struct, or "".
func text(err error, field string) string {
	if f := fieldOf(err, field); f.Kind() == reflect.String {
		return f.String()
	}
	return ""
}

// number returns the number in a field of a struct, or 0.
func number(err error, field string) int64 { return numberIn(fieldOf(err, field)) }

func numberIn(v reflect.Value) int64 {
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return int64(v.Uint())
	}
	return 0
}

func fieldOf(err error, name string) reflect.Value {
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return v.FieldByName(name)
}

// isText tells errors by their text.
func isText(text string) func(error) bool {
	return func(err error) bool { return reflect.TypeOf(err) == typeOfText && err.Error() == text }
}

// isType tells errors by the full name of their type.
func isType(err error, name string) bool { return nameOf(reflect.TypeOf(err)) == name }

func isValue(value error) func(error) bool {
	return func(err error) bool { return err == value } //nolint:errorlint // whoever asks walks the tree
}
