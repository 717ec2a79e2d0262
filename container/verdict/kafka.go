package verdict

import (
	"reflect"
	"slices"

	"github.com/cladgo/clad/policy"
)

// kafka is Kafka, by kafka-go and franz-go. Both repeat what they produce by
// themselves, for long: that the last attempt had no effect says nothing of those
// before it.
var kafka = client{
	types: map[string]func(error) Meaning{
		kafkaGoError:  func(err error) Meaning { return ofKafka(numberIn(reflect.ValueOf(err))) },
		kafkaGoErrors: ofKafkaBatch,
		"github.com/segmentio/kafka-go.MessageTooLargeError": always(refused), // for a limit of its own
		franzError: func(err error) Meaning { return ofKafka(number(err, "Code")) },
		"github.com/twmb/franz-go/pkg/kgo.ErrDataLoss":           always(conflicts),
		"github.com/twmb/franz-go/pkg/kgo.errUnknownController":  always(failed),
		"github.com/twmb/franz-go/pkg/kgo.errUnknownCoordinator": always(failed),
	},
	texts: map[string]Meaning{
		"writes must NOT set Topic on kafka.Message":                                 refused,
		"writes must NOT set Partition on kafka.Message":                             refused,
		"no address was given for the kafka cluster in the request or on the client": refused,
	},
	beginnings: map[string]Meaning{
		"kafka.(*Writer): ":               refused,
		"kafka.(*Writer).WriteMessages: ": refused,
	},
	names: namesOfKafka(),
}

const (
	kafkaGoError  = "github.com/segmentio/kafka-go.Error"
	kafkaGoErrors = "github.com/segmentio/kafka-go.WriteErrors"
	franzError    = "github.com/twmb/franz-go/pkg/kerr.Error"
)

// Codes of the protocol. What is in neither list and is not new is an answer: that
// there is no such topic or group, that it is not permitted, that a message is too
// large, that a producer was replaced by another.
var (
	kafkaFailures = []int64{
		-1, 2, 7, 8, 13, 56, 55, // its own trouble
		5, 6, 9, 41, 72, 74, 75, 77, 78, 80, 83, 100, 103, 106, 108, // another leader, or none yet
		14, 15, 16, // another coordinator
		19, 20, // too few replicas
		70, 71, 89, // sessions, throttled
	}
	// Others are at it just now.
	kafkaConflicts = []int64{27, 51, 60, 88}
)

const kafkaNewest = 136 // of the codes that were weighed

func ofKafka(code int64) Meaning {
	switch {
	case slices.Contains(kafkaFailures, code), code > kafkaNewest:
		return failed
	case code == 45 || code == 59: // what came before is lost
		return Meaning{Verdict: policy.Failed, Final: true}
	case slices.Contains(kafkaConflicts, code):
		return conflicts
	}
	return answered
}

// ofKafkaBatch is of kafka-go's errors of several messages, nil for those that were
// written, which it does not unwrap to: a failure among them counts.
func ofKafkaBatch(err error) Meaning {
	m := unknown
	for one := range kafkaBatch(err) {
		if code, ok := kafkaCode(one); ok {
			if m = ofKafka(code); m.Verdict == policy.Failed {
				return m
			}
			continue
		}
		return unknown
	}
	return m
}

// kafkaBatch goes through the errors of kafka-go's WriteErrors.
func kafkaBatch(err error) func(yield func(error) bool) {
	return func(yield func(error) bool) {
		all := reflect.ValueOf(err)
		for i := range all.Len() {
			if one, ok := reflect.TypeAssert[error](all.Index(i)); ok && !yield(one) {
				return
			}
		}
	}
}

// kafkaCode returns the code of an error of either client.
func kafkaCode(err error) (code int64, ok bool) {
	switch nameOfError(err) {
	case kafkaGoError:
		return numberIn(reflect.ValueOf(err)), true
	case franzError:
		return number(err, "Code"), true
	case "fmt.wrapError":
		return kafkaCode(err.(interface{ Unwrap() error }).Unwrap())
	}
	return 0, false
}

// namesOfKafka lets profiles name errors as the clients do.
func namesOfKafka() map[string]func(error) bool {
	names := map[string]func(error) bool{
		"kgo.ErrClientClosed":  isText("client closed"),
		"kgo.ErrMaxBuffered":   isText("the maximum amount of records are buffered, cannot buffer more"),
		"kgo.ErrRecordTimeout": isText("records have timed out before they were able to be produced"),
	}
	for name, code := range map[string]int64{
		"GroupAuthorizationFailed": 30, "IllegalGeneration": 22, "InvalidTopic": 17, "NotEnoughReplicas": 19,
		"OffsetOutOfRange": 1, "ProducerFenced": 90, "RebalanceInProgress": 27, "ThrottlingQuotaExceeded": 89,
		"TopicAlreadyExists": 36, "TopicAuthorizationFailed": 29, "UnknownTopicOrPartition": 3,
	} {
		names["kafka."+name], names["kerr."+name] = isKafka(code), isKafka(code)
	}
	names["kafka.MessageSizeTooLarge"], names["kerr.MessageTooLarge"] = isKafka(10), isKafka(10)
	names["kafka.UnknownMemberId"], names["kerr.UnknownMemberID"] = isKafka(25), isKafka(25)
	return names
}

func isKafka(code int64) func(error) bool {
	return func(err error) bool {
		if isType(err, kafkaGoErrors) {
			for one := range kafkaBatch(err) {
				if c, ok := kafkaCode(one); ok && c == code {
					return true
				}
			}
			return false
		}
		c, ok := kafkaCode(err)
		return ok && c == code
	}
}
