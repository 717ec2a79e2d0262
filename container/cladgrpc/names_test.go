package cladgrpc_test

import (
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// tagged returns a tagged connection to the shop.
func (s *shop) tagged(t *testing.T, services policy.Service, opts ...container.TagOption) (grpc.ClientConnInterface, *container.Container, error) {
	t.Helper()
	c := policy.Catalog{Policies: map[string]policy.Policy{"once": atOnce(1), "external_api": atOnce(3), "patient": atOnce(5)}}
	if len(services.Methods) > 0 || services.Policy != "" {
		c.Services = map[string]policy.Service{"grpc.ClientConnInterface": services}
	}
	box, err := container.New(c)
	if err != nil {
		t.Fatal(err)
	}
	dial := func() *grpc.ClientConn { return s.serve(t, nil) }
	if err := box.Provide(container.Tag(dial, "external_api", append(opts, container.As[grpc.ClientConnInterface]())...)); err != nil {
		return nil, nil, err
	}
	var made grpc.ClientConnInterface
	err = box.Invoke(func(cc grpc.ClientConnInterface) { made = cc })
	return made, box, err
}

func TestPolicyIsChosenForOneProcedure(t *testing.T) {
	s := refusing(1000, status.Error(codes.Unavailable, "busy"))
	attempts := func(cc grpc.ClientConnInterface, method string) int32 {
		before := s.calls.Load()
		if _, err := call(t.Context(), cc, method); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: %v", method, err)
		}
		return s.calls.Load() - before
	}
	cc, box, err := s.tagged(t, policy.Service{Methods: map[string]string{store: "patient"}},
		container.Method(find, "once"), container.Method(store, "once"))
	if err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]int32{
		find:  1, // by the tag
		store: 5, // by the profile
		pay:   1, // not chosen: not safe to repeat
	} {
		if got := attempts(cc, method); got != want {
			t.Errorf("%s: called %d times, want %d", method, got, want)
		}
	}
	operations := box.Orchestrator().Metrics().Operations
	if operations["grpc.ClientConnInterface"+store].RetryAttempts != 4 || operations["grpc.ClientConnInterface.Invoke"].TotalOperations != 1 {
		t.Errorf("counted %+v", operations)
	}
	// What is chosen for one procedure is carried out to the letter.
	cc, _, err = s.tagged(t, policy.Service{Methods: map[string]string{pay: "external_api"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := attempts(cc, pay); got != 3 {
		t.Errorf("called %d times", got)
	}
}

func TestPolicyIsChosenForOneStream(t *testing.T) {
	cc, box, err := echo(t).tagged(t, policy.Service{Methods: map[string]string{chat: "once", "NewStream": "none"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{chat, sum} {
		stream, err := open(t.Context(), cc, method)
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.CloseSend(); err != nil {
			t.Error(err)
		}
		for receive(t, stream) != "" {
		}
	}
	operations := box.Orchestrator().Metrics().Operations
	if operations["grpc.ClientConnInterface"+chat].SuccessfulOperations != 1 || len(operations) != 1 {
		t.Errorf("counted %+v", operations)
	}
}

func TestMisspeltProceduresAreMistakes(t *testing.T) {
	for name, want := range map[string]string{
		"/clad.test.Shop/Fnd":    `the service clad.test.Shop has no method Fnd (did you mean "Find"?)`,
		"/clad.test.Shp/Find":    `no service clad.test.Shp is part of the program (did you mean "clad.test.Shop"?)`,
		"/clad.test.Shop":        "reads /package.Service/Method",
		"/clad.test.Shop/Find/x": "reads /package.Service/Method",
		"clad.test.Shop/Find":    "reads /package.Service/Method",
		"Invke":                  `did you mean "Invoke"?`,
	} {
		_, _, err := echo(t).tagged(t, policy.Service{Methods: map[string]string{name: "once"}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the profile chose for %s: %v", name, err)
		}
		_, _, err = echo(t).tagged(t, policy.Service{}, container.Method(name, "once"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the tag chose for %s: %v", name, err)
		}
	}
	// Of services without generated code nothing is known.
	if _, _, err := echo(t).tagged(t, policy.Service{Methods: map[string]string{"/flat.Warehouse/Get": "once"}}); err != nil {
		t.Error(err)
	}
}
