package cladgrpc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cladgo/clad/internal/suggest"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// checkName returns what is wrong with the full name of a method
// ("/payments.Gateway/Find") for which a policy is to be chosen. What the
// generated code that is part of the program has can be misspelt; of services
// without generated code nothing is known.
func checkName(name string) error {
	service, method, ok := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	if !ok || name[0] != '/' || service == "" || method == "" || strings.Contains(method, "/") {
		return errors.New("the full name of a gRPC method reads /package.Service/Method")
	}
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		if hint := suggest.DidYouMean(service, linkedServices()); hint != "" {
			return fmt.Errorf("no service %s is part of the program%s", service, hint)
		}
		return nil
	}
	s, ok := d.(protoreflect.ServiceDescriptor)
	if !ok {
		return fmt.Errorf("%s is no service", service)
	}
	if s.Methods().ByName(protoreflect.Name(method)) != nil {
		return nil
	}
	known := make([]string, s.Methods().Len())
	for i := range known {
		known[i] = string(s.Methods().Get(i).Name())
	}
	return fmt.Errorf("the service %s has no method %s%s; there are: %s", service, method, suggest.DidYouMean(method, known), suggest.Few(known))
}

func linkedServices() []string {
	var names []string
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			names = append(names, string(file.Services().Get(i).FullName()))
		}
		return true
	})
	return names
}
