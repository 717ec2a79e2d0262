package verdict_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/policy"
)

var (
	errMiss    = errors.New("memcache: cache miss")    // an answer
	errRefused = errors.New("redis: client is closed") // a refusal
	errPool    = errors.New("redis: connection pool timeout")
	errDial    = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errOther   = errors.New("nobody knows it")
)

// says is an error that says its own verdict.
type says policy.Verdict

func (s says) Error() string           { return "it says so" }
func (s says) Verdict() policy.Verdict { return policy.Verdict(s) }

func TestWhatErrorsMean(t *testing.T) {
	answered := verdict.Meaning{Verdict: policy.Answered}
	refused := verdict.Meaning{Verdict: policy.Refused, NoEffect: true}
	failed := verdict.Meaning{Verdict: policy.Failed}
	unmade := verdict.Meaning{Verdict: policy.Failed, NoEffect: true}
	waited := verdict.Meaning{Verdict: policy.Failed, NoEffect: true, Neutral: true}
	hopeless := verdict.Meaning{Verdict: policy.Failed, NoEffect: true, Final: true}
	unknown := verdict.Meaning{}
	for _, tt := range []struct {
		name string
		err  error
		want verdict.Meaning
	}{
		{"nil", nil, unknown},
		{"not known", errOther, unknown},
		{"a text", errMiss, answered},
		{"a type", errDial, unmade},
		{"neutral", errPool, waited},
		{"no attempt can help", x509.UnknownAuthorityError{}, hopeless},
		{"a value", fs.ErrNotExist, answered},
		{"a value below a type", &fs.PathError{Op: "open", Path: "x", Err: os.ErrPermission}, answered},
		{"a file that is not there", fails(os.Open(filepath.Join(t.TempDir(), "none"))), answered},
		{"a file that is there", os.Mkdir(t.TempDir(), 0o700), answered},
		{"a link to nothing", os.Link(filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), "new")), answered},
		{"a file that cannot be read", &fs.PathError{Op: "read", Path: "x", Err: syscall.EIO}, unknown},
		{"a network that permits nothing", &net.OpError{Op: "write", Err: os.NewSyscallError("sendto", syscall.EPERM)}, unknown},
		{"a certificate that the other side does not take", &net.OpError{Op: "remote error", Err: tls.AlertError(45)}, hopeless},
		{"trouble of the other side", &net.OpError{Op: "remote error", Err: tls.AlertError(80)}, unknown},
		{"wrapped", fmt.Errorf("reading: %w", errMiss), answered},
		{"wrapped twice", fmt.Errorf("shop: %w", fmt.Errorf("reading: %w", errDial)), unmade},
		{"quoted is not wrapped", errors.New("reading: " + errMiss.Error()), unknown},
		{"the first that is known of several", errors.Join(errOther, errMiss, errDial), answered},
		{"depth first, as errors.Is has it", errors.Join(fmt.Errorf("a: %w", errDial), errMiss), failed},
		{"several below one", fmt.Errorf("%w and %w", errOther, errMiss), answered},
		{"none of several had an effect", errors.Join(errDial, fmt.Errorf("a: %w", errDial)), unmade},
		{"what was not sent after what may have been", errors.Join(io.ErrUnexpectedEOF, errDial), failed},
		{"nor before it", fmt.Errorf("%w, after %w", errDial, io.ErrUnexpectedEOF), failed},
		{"a failure, and then a mistake", errors.Join(io.ErrUnexpectedEOF, sql.ErrTxDone), unknown},
		{"a mistake, and then a failure", errors.Join(sql.ErrTxDone, errDial), failed},
		{"two mistakes", errors.Join(errRefused, nil, errRefused), refused},
		{"a rejection, and then a mistake", errors.Join(&policy.CircuitOpenError{Name: "b"}, sql.ErrTxDone), unknown},
		{"the outermost that is known", &net.OpError{Op: "dial", Err: errMiss}, unmade},
		{"what is known below what is not", &net.OpError{Op: "read", Err: errMiss}, answered},
		{"marked as an answer", policy.Answer(errDial), answered},
		{"marked as permanent", policy.Permanent(errOther), verdict.Meaning{Verdict: policy.Refused}},
		{"it says so itself", says(policy.Answered), answered},
		{"it says that it failed", says(policy.Failed), verdict.Meaning{Verdict: policy.Failed}},
		{"it says nothing, and wraps nothing", says(policy.Unknown), unknown},
		{"a rejection by a circuit breaker means nothing, whatever came before", &policy.CircuitOpenError{Name: "b", Err: errMiss}, unknown},
		{"nor by a rate limiter", &policy.RateLimitedError{Name: "l", Err: errMiss}, unknown},
		{"nor by a bulkhead", &policy.BulkheadFullError{Name: "h", Err: errMiss}, unknown},
		{"nor where one is wrapped", fmt.Errorf("shop: %w", &policy.CircuitOpenError{Name: "b"}), unknown},
		{"the caller's end", context.Canceled, unknown},
		{"a timeout of ours", &policy.TimeoutError{After: time.Second, Err: context.DeadlineExceeded}, unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := verdict.Of(tt.err); got != tt.want {
				t.Errorf("%v means %+v, want %+v", tt.err, got, tt.want)
			}
		})
	}
}

func fails[T any](_ T, err error) error { return err }

func TestTheLongestBeginningCounts(t *testing.T) {
	// A map is walked in another order each time.
	for range 50 {
		err := errors.New(`memcache: unexpected response line from "set": "SERVER_ERROR object too large for cache\r\n"`)
		if got := verdict.Of(err).Verdict; got != policy.Answered {
			t.Fatalf("%v means %v", err, got)
		}
	}
}

func TestNamesAreSortedAndKnown(t *testing.T) {
	names := verdict.Names()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Error("not in order, or twice")
	}
	for _, name := range names {
		is, ok := verdict.Named(name)
		if !ok {
			t.Errorf("%s is listed and not known", name)
			continue
		}
		if is(nil) || is(errOther) || is(fmt.Errorf("%w: %w", errOther, context.Canceled)) {
			t.Errorf("%s is anything", name)
		}
		if pkg, rest, ok := strings.Cut(name, "."); !ok || pkg == "" || rest == "" {
			t.Errorf("%s is not a name of a package's error", name)
		}
	}
}

func TestNamedLooksInside(t *testing.T) {
	is, ok := verdict.Named("memcache.ErrCacheMiss")
	if !ok {
		t.Fatal("not known")
	}
	for _, err := range []error{errMiss, fmt.Errorf("a: %w", errMiss), errors.Join(errOther, fmt.Errorf("a: %w", errMiss))} {
		if !is(err) {
			t.Errorf("%v is not told", err)
		}
	}
	if is(errDial) {
		t.Error("another error is told")
	}
	if is, ok := verdict.Named("memcache.ErrCacheMis"); ok || is(errMiss) {
		t.Error("a name that is none is known")
	}
}

// Each is an error that a program may return, odd as it is.
type (
	odd       struct{ Op, Code any }
	oddNumber int
	oddSlice  []error
	oddMap    map[string]int
	oddFunc   func()
	oddNested struct{ error }
	oddBoth   struct{ *net.OpError }
)

func (odd) Error() string        { return "" }
func (*oddNumber) Error() string { return "odd" }
func (oddSlice) Error() string   { return "odd" }
func (oddMap) Error() string     { return "odd" }
func (oddFunc) Error() string    { return "odd" }
func (oddSlice) Unwrap() []error { return []error{nil, errOther, nil} }

func TestOddErrorsDoNoHarm(t *testing.T) {
	var none *oddNumber
	many := errOther
	for range 100 {
		many = fmt.Errorf("%w", many)
	}
	for _, err := range []error{
		odd{}, &odd{Op: 1}, none, new(oddNumber), oddSlice(nil), oddSlice{nil}, oddMap(nil), oddFunc(nil),
		oddNested{errOther}, oddBoth{errDial}, many, struct{ error }{errMiss},
	} {
		_ = verdict.Of(err)
		for _, name := range verdict.Names() {
			is, _ := verdict.Named(name)
			_ = is(err)
		}
	}
}

func TestNothingIsAllocatedForAnError(t *testing.T) {
	for name, err := range map[string]error{"known by text": errMiss, "known by type": errDial, "known by value": fs.ErrNotExist, "not known": &net.ParseError{}} {
		verdict.Of(err) // the type is looked at once
		if n := testing.AllocsPerRun(100, func() { verdict.Of(err) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func FuzzTexts(f *testing.F) {
	for _, text := range []string{"", "redis: nil", "nats: timeout", "table field ", "rpc error: code = ", "memcache: unexpected response line"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := errors.New(text)
		if a, b := verdict.Of(err), verdict.Of(fmt.Errorf("around: %w", err)); a != b {
			t.Errorf("%q means %+v, and %+v where it is wrapped", text, a, b)
		}
	})
}
