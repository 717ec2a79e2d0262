package gen_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty"
	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty/shadow"
	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/record"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// TestProxyIsItsTarget calls every method of every nasty interface through its
// proxy, under the policy none: the target must see the arguments, and the
// caller the results or the panic, as if there were no proxy.
func TestProxyIsItsTarget(t *testing.T) {
	r := &record.Recorder{}
	for typ, proxy := range proxies(t, r) {
		for i := range typ.NumMethod() {
			method := typ.Method(i)
			if !method.IsExported() {
				continue // see TestUnexportedMethods
			}
			t.Run(typ.String()+"."+method.Name, func(t *testing.T) {
				for seed := range uint64(20) {
					compare(t, r, proxy.MethodByName(method.Name), method, rand.New(rand.NewPCG(seed, 1)))
				}
			})
		}
	}
}

// FuzzProxyIsItsTarget looks for values that the fixed seeds leave out.
func FuzzProxyIsItsTarget(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := &record.Recorder{}
		random := rand.New(rand.NewPCG(a, b))
		for typ, proxy := range proxies(t, r) {
			for i := range typ.NumMethod() {
				method := typ.Method(i)
				if method.IsExported() {
					compare(t, r, proxy.MethodByName(method.Name), method, random)
				}
			}
		}
	})
}

func TestUnexportedMethods(t *testing.T) {
	r := &record.Recorder{}
	typ := reflect.TypeFor[nasty.Fields]()
	var called []string
	r.Fill = func(results []any) {
		called = append(called, r.Method)
		*results[0].(*error) = errors.New(r.Method)
	}
	next, charge := nasty.CallHidden(t.Context(), proxies(t, r)[typ].Interface().(nasty.Fields))
	if fmt.Sprint(called, next, charge) != "[next charge] next charge" {
		t.Errorf("called %v, returned %v, %v", called, next, charge)
	}
}

// proxies provides every fake under the policy none, and returns what comes out.
func proxies(t *testing.T, r *record.Recorder) map[reflect.Type]reflect.Value {
	t.Helper()
	fakes := nasty.Fakes(r)
	maps.Copy(fakes, shadow.Fakes(r))
	found := map[reflect.Type]reflect.Value{}
	for typ, fake := range fakes {
		c, err := container.New(policy.Catalog{})
		if err != nil {
			t.Fatal(err)
		}
		ctor := reflect.MakeFunc(reflect.FuncOf(nil, []reflect.Type{typ}, false), func([]reflect.Value) []reflect.Value {
			return []reflect.Value{reflect.ValueOf(fake).Convert(typ)}
		})
		if err := c.Provide(container.Tag(ctor.Interface(), "none")); err != nil {
			t.Fatal(err)
		}
		take := reflect.MakeFunc(reflect.FuncOf([]reflect.Type{typ}, nil, false), func(in []reflect.Value) []reflect.Value {
			found[typ] = in[0]
			return nil
		})
		if err := c.Invoke(take.Interface()); err != nil {
			t.Fatal(err)
		}
		if found[typ].Elem().Type() == reflect.TypeOf(fake) {
			t.Errorf("%v came out bare", typ)
		}
	}
	return found
}

// compare makes one call with random arguments, results and now and then a panic.
func compare(t *testing.T, r *record.Recorder, call reflect.Value, method reflect.Method, random *rand.Rand) {
	t.Helper()
	typ := method.Type
	args := make([]reflect.Value, typ.NumIn())
	for i := range args {
		args[i] = arbitrary(random, typ.In(i), 0)
	}
	want := make([]reflect.Value, typ.NumOut())
	for i := range want {
		want[i] = arbitrary(random, typ.Out(i), 0)
	}
	var panics any
	if random.IntN(5) == 0 {
		panics = fmt.Sprintf("%s panics", method.Name)
	}
	calls := 0
	r.Fill = func(results []any) {
		calls++
		if panics != nil {
			panic(panics)
		}
		for i, result := range results {
			reflect.ValueOf(result).Elem().Set(want[i])
		}
	}
	var got []reflect.Value
	recovered := func() (recovered any) {
		defer func() { recovered = recover() }()
		if typ.IsVariadic() {
			got = call.CallSlice(args)
		} else {
			got = call.Call(args)
		}
		return nil
	}()
	if recovered != panics {
		t.Fatalf("panic: %v, want %v", recovered, panics)
	}
	if calls != 1 || r.Method != method.Name {
		t.Fatalf("the target was called %d times, last %s", calls, r.Method)
	}
	for i, arg := range args {
		if !same(arg, reflect.ValueOf(&r.Args[i]).Elem()) {
			t.Errorf("argument %d: the target got %v, want %v", i+1, r.Args[i], arg)
		}
	}
	for i := range got {
		if !same(want[i], got[i]) {
			t.Errorf("result %d: %v, want %v", i+1, got[i], want[i])
		}
	}
}

// arbitrary makes a value of any type, or nil where nothing fits.
func arbitrary(random *rand.Rand, t reflect.Type, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(random.Int64() >> (64 - t.Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(random.Uint64() >> (64 - t.Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(random.NormFloat64())
	case reflect.Complex128:
		v.SetComplex(complex(random.NormFloat64(), 1))
	case reflect.String:
		v.SetString(fmt.Sprintf("s%x", random.Uint32()))
	case reflect.Interface:
		for _, i := range random.Perm(len(candidates)) {
			if c := reflect.ValueOf(candidates[i](random)); c.Type().Implements(t) {
				v.Set(c)
				break
			}
		}
	case reflect.Pointer:
		if t == reflect.TypeFor[*http.Request]() {
			return reflect.ValueOf(request(random))
		}
		if random.IntN(4) > 0 && depth < 3 {
			v.Set(reflect.New(t.Elem()))
			v.Elem().Set(arbitrary(random, t.Elem(), depth+1))
		}
	case reflect.UnsafePointer:
		v.Set(reflect.ValueOf(unsafe.Pointer(new(int))))
	case reflect.Chan:
		v.Set(reflect.MakeChan(reflect.ChanOf(reflect.BothDir, t.Elem()), 1).Convert(t))
	case reflect.Func:
		v.Set(reflect.MakeFunc(t, func([]reflect.Value) []reflect.Value { panic("never called") }))
	case reflect.Slice:
		for range random.IntN(4) {
			v.Set(reflect.Append(v, arbitrary(random, t.Elem(), depth+1)))
		}
	case reflect.Array:
		for i := range t.Len() {
			v.Index(i).Set(arbitrary(random, t.Elem(), depth+1))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(arbitrary(random, t.Key(), depth+1), arbitrary(random, t.Elem(), depth+1))
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() && depth < 3 {
				v.Field(i).Set(arbitrary(random, t.Field(i).Type, depth+1))
			}
		}
	default:
		panic("no value of " + t.String())
	}
	return v
}

// candidates are values for parameters and results of interface types.
var candidates = []func(*rand.Rand) any{
	func(r *rand.Rand) any { return context.WithValue(context.Background(), key{}, r.Int()) },
	func(r *rand.Rand) any { return fmt.Errorf("error %d", r.Int()) },
	func(r *rand.Rand) any { return strings.NewReader(fmt.Sprint(r.Int())) },
	func(r *rand.Rand) any { return newBody(fmt.Sprint(r.Int())) },
	func(r *rand.Rand) any { return &nasty.Stringed{S: fmt.Sprint(r.Int())} },
	func(r *rand.Rand) any { return r.Int() },
	func(*rand.Rand) any { return stream{} },
}

type key struct{}

type stream struct{}

func (stream) Recv() (string, error) { return "", io.EOF }

func request(random *rand.Rand) *http.Request {
	req := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: fmt.Sprint(random.Int())}, Header: http.Header{}}
	return req.WithContext(context.WithValue(context.Background(), key{}, random.Int()))
}

// same reports whether one value is the other: the very same where that can be
// told, else one that is deeply equal.
func same(a, b reflect.Value) bool {
	for a.Kind() == reflect.Interface && !a.IsNil() {
		if body, ok := reflect.TypeAssert[*body](a); ok {
			return sameText(body, b)
		}
		a = a.Elem()
	}
	for b.Kind() == reflect.Interface && !b.IsNil() {
		b = b.Elem()
	}
	if a.Type() != b.Type() {
		return isNil(a) && isNil(b)
	}
	switch a.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return a.Pointer() == b.Pointer()
	case reflect.Pointer:
		if a.Pointer() == b.Pointer() {
			return true
		}
		// A request is copied to carry the attempt's context, and no other is.
		if req, ok := reflect.TypeAssert[*http.Request](a); ok {
			other := b.Interface().(*http.Request)
			return req.URL == other.URL && req.Context() == other.Context()
		}
		return false
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).IsExported() && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		return a.Pointer() == b.Pointer()
	case reflect.Interface: // both nil
		return true
	default:
		return a.Interface() == b.Interface()
	}
}

// body is an io.ReadCloser that knows its text.
type body struct {
	io.Reader
	text   string
	closed bool
}

func newBody(text string) *body { return &body{Reader: strings.NewReader(text), text: text} }

func (b *body) Close() error { b.closed = true; return nil }

// sameText compares what a body says with what comes out of another, which may
// be the same tied to the context of its attempt.
func sameText(want *body, got reflect.Value) bool {
	rc, ok := reflect.TypeAssert[io.ReadCloser](got)
	if !ok {
		return false
	}
	if rc == io.ReadCloser(want) {
		return true
	}
	text, err := io.ReadAll(rc)
	return string(text) == want.text && err == nil && rc.Close() == nil && want.closed
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return v.IsNil()
	default:
		return false
	}
}
