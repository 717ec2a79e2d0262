package verdict

import (
	"reflect"
	"slices"
)

// mongoError is what the driver gives to each error that a server answered with.
type mongoError interface {
	error
	HasErrorCode(code int) bool
	HasErrorLabel(label string) bool
}

// mongo is MongoDB, by its own driver.
var mongo = client{
	types: map[string]func(error) Meaning{
		"go.mongodb.org/mongo-driver/mongo.InvalidArgumentError": always(refused),
		mongoBulkError: ofMongoBulk,
		"go.mongodb.org/mongo-driver/mongo.MarshalError":                            always(refused),
		"go.mongodb.org/mongo-driver/mongo.ErrMapForOrderedArgument":                always(refused),
		"go.mongodb.org/mongo-driver/x/mongo/driver.InvalidOperationError":          always(refused),
		"go.mongodb.org/mongo-driver/x/mongo/driver/topology.ServerSelectionError":  always(unmade),
		"go.mongodb.org/mongo-driver/x/mongo/driver/topology.WaitQueueTimeoutError": always(waited),
		"go.mongodb.org/mongo-driver/x/mongo/driver/topology.poolClearedError":      always(waited), // for what befell another call
	},
	methods: []method{{reflect.TypeFor[mongoError](), ofMongo}},
	texts: map[string]Meaning{
		"mongo: no documents in result": answered,
	},
	names: map[string]func(error) bool{
		"mongo.ErrNoDocuments":            isText("mongo: no documents in result"),
		"mongo.ErrFileNotFound":           isText("file with given parameters not found"),
		"mongo.ErrClientDisconnected":     isText("client is disconnected"),
		"mongo.DuplicateKey":              isMongo(11000, 11001, 12582),
		"mongo.DocumentValidationFailure": isMongo(121),
		"mongo.NamespaceNotFound":         isMongo(26),
		"mongo.NamespaceExists":           isMongo(48),
		"mongo.WriteConflict":             isMongo(112),
		"mongo.Unauthorized":              isMongo(13),
		"mongo.NotWritablePrimary":        isMongo(10107),
		"mongo.MaxTimeMSExpired":          isMongo(50),
	},
}

// Codes of the server. What is not here is an answer: that a query is wrong, a name
// is taken or a document is not as it should be, in hundreds of ways.
var (
	// Asked in the wrong place: not the primary, or not in a state to serve.
	mongoElsewhere = []int{10107, 13435, 13436, 10058, 133}
	// Others hold it just now, or the transaction is over: it may begin again.
	mongoConflicts = []int{112, 24, 46, 225, 246, 251}
	mongoFailures  = []int{
		1, 8, 96, 125, // its own trouble
		6, 7, 89, 202, 9001, // its network
		50, 262, // out of time
		64, 79, 100, // written, and not by as many as wanted
		91, 189, 11600, 11601, 11602, 237, // interrupted, or going down
		134, 211, 14031, 22, 175,
	}
)

func ofMongo(err error) Meaning {
	e := err.(mongoError) //nolint:errorlint // this error, not what it wraps
	has := func(codes []int) bool {
		return slices.ContainsFunc(codes, e.HasErrorCode)
	}
	// Only a command's own error says that nothing was done: those of writes tell
	// of some that were, and what has the label is the driver's second attempt.
	command := isType(err, mongoCommandError)
	switch {
	case e.HasErrorLabel("NetworkError"):
		return unknown // what it wraps says more
	case e.HasErrorLabel("SystemOverloadedError"), e.HasErrorLabel("NoWritesPerformed"):
		if command {
			return unmade
		}
		return failed
	case e.HasErrorLabel("UnknownTransactionCommitResult"):
		return failed
	case has(mongoElsewhere):
		if command && !e.HasErrorLabel("RetryableWriteError") {
			return unmade
		}
		return failed
	case e.HasErrorLabel("TransientTransactionError"): // and all of it is rolled back
		return waited
	case has(mongoConflicts):
		if command {
			return waited
		}
		return conflicts
	case has(mongoFailures), e.HasErrorLabel("RetryableWriteError"), e.HasErrorLabel("RetryableError"):
		return failed
	case command && number(err, "Code") == 0:
		return unknown
	}
	return answered
}

const (
	mongoCommandError = "go.mongodb.org/mongo-driver/mongo.CommandError"
	mongoBulkError    = "go.mongodb.org/mongo-driver/mongo.ClientBulkWriteException"
)

// ofMongoBulk knows the error of Client.BulkWrite, which has codes, but none of the
// other methods. Some of its writes may have been done, whatever befell one of them.
func ofMongoBulk(err error) Meaning {
	codes := mongoBulkCodes(err)
	has := func(list []int) bool {
		return slices.ContainsFunc(codes, func(code int) bool { return slices.Contains(list, code) })
	}
	switch {
	case len(codes) == 0:
		return unknown
	case has(mongoElsewhere), has(mongoFailures), slices.Contains(codes, mongoRateLimited):
		return failed
	case has(mongoConflicts):
		return conflicts
	}
	return answered
}

// mongoRateLimited has a label by which it is told elsewhere.
const mongoRateLimited = 462

func mongoBulkCodes(err error) []int {
	if e, ok := err.(interface{ ErrorCodes() []int }); ok && isType(err, mongoBulkError) {
		return e.ErrorCodes()
	}
	return nil
}

func isMongo(codes ...int) func(error) bool {
	return func(err error) bool {
		e, ok := err.(mongoError) //nolint:errorlint // whoever asks walks the tree
		bulk := mongoBulkCodes(err)
		return slices.ContainsFunc(codes, func(code int) bool {
			return ok && e.HasErrorCode(code) || slices.Contains(bulk, code)
		})
	}
}
