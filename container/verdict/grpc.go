package verdict

import (
	"strings"

	"github.com/cladgo/clad/policy"
)

// grpc is google.golang.org/grpc, by the codes of its statuses. That there was
// no effect is told by none: a server may hand on the status of another that it
// has called, after effects of its own. Package cladgrpc knows more.
var grpc = client{
	types: map[string]func(error) Meaning{grpcStatus: ofStatus},
	names: namesOfCodes(),
}

const grpcStatus = "google.golang.org/grpc/internal/status.Error"

// ofCode says what the codes mean.
var ofCode = map[string]Meaning{
	"Canceled":           failed, // not by our caller, who is asked first
	"Unknown":            failed,
	"InvalidArgument":    answered,
	"DeadlineExceeded":   failed,
	"NotFound":           answered,
	"AlreadyExists":      answered,
	"PermissionDenied":   answered,
	"ResourceExhausted":  failed, // throttled
	"FailedPrecondition": answered,
	"Aborted":            answered, // a conflict, to be tried again from where the transaction began
	"OutOfRange":         answered,
	"Unimplemented":      answered,
	"Internal":           failed,
	"Unavailable":        failed,
	"DataLoss":           {Verdict: policy.Failed, Final: true},
	"Unauthenticated":    answered,
}

// unsendable is what gRPC says of messages that cannot be sent, or are larger
// than one's own or the server's limit, with codes that servers in trouble use too.
var unsendable = map[string][]string{
	"Canceled": {"grpc: the client connection is closing"}, // by its user
	"Internal": {
		"grpc: error while marshaling: ", // invalid UTF-8, say
		"grpc: error while compressing: ",
		"SendMsg called after CloseSend",
	},
	"ResourceExhausted": {
		"trying to send message larger than max ",
		"grpc: received message larger than max ",
		"grpc: message after decompression larger than max ",
		"grpc: received message after decompression larger than max ",
	},
}

func ofStatus(err error) Meaning {
	code, message := codeOf(err)
	for _, text := range unsendable[code] {
		if strings.HasPrefix(message, text) {
			return Meaning{Verdict: policy.Refused}
		}
	}
	if m, ok := ofCode[code]; ok {
		return m
	}
	return failed
}

// codeOf reads what a status says.
func codeOf(err error) (code, message string) {
	code, message, _ = strings.Cut(strings.TrimPrefix(err.Error(), "rpc error: code = "), " desc = ")
	return code, message
}

// namesOfCodes lets profiles name statuses: "grpc.NotFound".
func namesOfCodes() map[string]func(error) bool {
	names := make(map[string]func(error) bool, len(ofCode))
	for name := range ofCode {
		names["grpc."+name] = func(err error) bool {
			if !isType(err, grpcStatus) {
				return false
			}
			code, _ := codeOf(err)
			return code == name
		}
	}
	return names
}
