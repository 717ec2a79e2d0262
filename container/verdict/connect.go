package verdict

import (
	"errors"
	"reflect"
	"strings"
)

// connect is connectrpc.com/connect, by gRPC's codes.
var connect = client{
	types: map[string]func(error) Meaning{connectError: ofConnect},
	names: namesOfConnect(),
}

const connectError = "connectrpc.com/connect.Error"

// connectCodes are the names of gRPC's codes, by their numbers.
var connectCodes = strings.Fields("OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied " +
	"ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated")

func ofConnect(err error) Meaning {
	code := connectCode(err)
	if wire := fieldOf(err, "wireErr"); !wire.IsValid() || !wire.Bool() {
		switch code {
		case "ResourceExhausted", "InvalidArgument": // a limit or a mistake of one's own
			return refused
		case "Internal", "Unknown":
			if strings.Contains(err.Error(), ": marshal message: ") {
				return refused
			}
			return unknown
		case "Unavailable", "Canceled":
			if cause := errors.Unwrap(err); cause != nil && reflect.TypeOf(cause) != typeOfText {
				return unknown // what it wraps says more
			}
		}
	}
	if m, ok := ofCode[code]; ok {
		return m
	}
	return failed
}

func connectCode(err error) string {
	if code := number(err, "code"); code > 0 && code < int64(len(connectCodes)) {
		return connectCodes[code]
	}
	return ""
}

// namesOfConnect lets profiles name codes as the client does: "connect.CodeNotFound".
func namesOfConnect() map[string]func(error) bool {
	names := map[string]func(error) bool{}
	for _, code := range connectCodes[1:] {
		names["connect.Code"+code] = func(err error) bool { return isType(err, connectError) && connectCode(err) == code }
	}
	return names
}
