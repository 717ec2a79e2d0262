package verdict

import (
	"errors"
	"reflect"
	"strings"
)

// awsAPIError is what smithy's clients (aws-sdk-go-v2) give to each error that a
// service answered with, whatever its type.
type awsAPIError interface {
	error
	ErrorCode() string
	ErrorMessage() string
}

// aws is S3, DynamoDB, SQS and their like, by aws-sdk-go-v2 and smithy-go.
var aws = client{
	types: map[string]func(error) Meaning{
		"github.com/aws/aws-sdk-go-v2/aws/transport/http.ResponseError":        ofAWSResponse,
		"github.com/aws/smithy-go/transport/http.ResponseError":                ofAWSResponse,
		"github.com/aws/aws-sdk-go-v2/service/internal/s3shared.ResponseError": ofAWSResponse,

		"github.com/aws/smithy-go.OperationError": ofAWSOperation,

		"github.com/aws/smithy-go.InvalidParamsError":                  always(refused),
		"github.com/aws/smithy-go.SerializationError":                  always(refused),
		"github.com/aws/aws-sdk-go-v2/aws.MissingRegionError":          always(refused),
		"github.com/aws/aws-sdk-go-v2/aws.EndpointNotFoundError":       always(refused),
		"github.com/aws/aws-sdk-go-v2/aws/signer.HashComputationError": always(refused), // of a body that cannot be read twice
		"github.com/aws/aws-sdk-go-v2/aws/signer.SigningError":         always(waited),  // for credentials, of another service
	},
	around: map[string]func(error, Meaning) Meaning{
		"github.com/aws/aws-sdk-go-v2/aws/retry.MaxAttemptsError": repeats,
	},
	methods: []method{{reflect.TypeFor[awsAPIError](), func(err error) Meaning {
		return awsCodes[err.(awsAPIError).ErrorCode()] //nolint:errorlint // this error, not what it wraps
	}}},
	names: namesOfAWS(),
}

// ofAWSOperation knows operations that have no endpoint to go to, for want of a
// region: a text alone, but within an error of the SDK's.
func ofAWSOperation(err error) Meaning {
	if cause := errors.Unwrap(err); cause != nil {
		why, found := strings.CutPrefix(cause.Error(), "failed to resolve service endpoint, ")
		if found && (strings.HasPrefix(why, "endpoint rule error, ") || why == "endpoint resolution failed: no matching rule") {
			return refused
		}
	}
	return unknown
}

// awsCodes are those that say more than the response's status does.
var awsCodes = map[string]Meaning{
	"SlowDown": unmade, "SlowDownRead": unmade, "SlowDownWrite": unmade,
	"Throttling": unmade, "ThrottlingException": unmade, "ThrottledException": unmade,
	"RequestThrottled": unmade, "RequestThrottledException": unmade,
	"RequestLimitExceeded": unmade, "TooManyRequestsException": unmade,
	"ProvisionedThroughputExceededException": unmade, "BandwidthLimitExceeded": unmade,
	"LimitExceededException": unmade, "EC2ThrottledException": unmade, "PriorRequestNotComplete": unmade,

	// Others hold the thing just now, or a clock is wrong, which the client mends.
	"OperationAborted": conflicts, "ConditionalRequestConflict": conflicts,
	"TransactionInProgressException": conflicts, "TransactionConflictException": conflicts,
	"RequestTimeTooSkewed": waited,

	"RequestTimeout": failed, "RequestTimeoutException": failed,
	"InternalError": failed, "InternalFailure": failed, "InternalServerError": failed,
	"InternalServerException": failed, "InternalServiceErrorException": failed,
	"ServiceUnavailable": failed, "ServiceUnavailableException": failed,

	"NotImplemented": answered,

	// Those that are made without a response, by tests mostly.
	"NoSuchKey": answered, "NoSuchBucket": answered, "NoSuchVersion": answered, "NotFound": answered,
	"AccessDenied": answered, "PreconditionFailed": answered, "NotModified": answered,
	"BucketAlreadyExists": answered, "BucketAlreadyOwnedByYou": answered, "InvalidObjectState": answered,
	"ConditionalCheckFailedException": answered, "ResourceNotFoundException": answered,
	"TransactionCanceledException": answered, "ValidationException": answered, "AccessDeniedException": answered,
	"ExpiredToken": answered, "ExpiredTokenException": answered,
}

// ofAWSResponse goes by the code, and else by the status: services have thousands
// of codes, and HEAD has none.
func ofAWSResponse(err error) Meaning {
	var answer awsAPIError
	if errors.As(err, &answer) {
		if m, ok := awsCodes[answer.ErrorCode()]; ok {
			return m
		}
	}
	response, ok := err.(interface{ HTTPStatusCode() int })
	if !ok || response.HTTPStatusCode() == 0 { // there was no response
		return unknown
	}
	return ofHTTPStatus(response.HTTPStatusCode())
}

// ofHTTPStatus says what a status means where it comes as an error.
func ofHTTPStatus(status int) Meaning {
	switch {
	case status == 429:
		return unmade
	case status == 501 || status == 505:
		return answered
	case status >= 300 && status < 500 && status != 408 && status != 425:
		return answered
	}
	return failed
}

// namesOfAWS lets profiles name errors by their codes: "s3.NoSuchKey".
func namesOfAWS() map[string]func(error) bool {
	names := map[string]func(error) bool{}
	for service, codes := range map[string]string{
		"s3":       "AccessDenied BucketAlreadyExists BucketAlreadyOwnedByYou InvalidObjectState NoSuchBucket NoSuchKey NoSuchUpload NoSuchVersion NotFound NotModified PreconditionFailed SlowDown",
		"dynamodb": "ConditionalCheckFailedException ProvisionedThroughputExceededException ResourceNotFoundException TransactionCanceledException TransactionConflictException",
		"sqs":      "QueueDoesNotExist",
		"aws":      "AccessDeniedException ExpiredToken ExpiredTokenException ThrottlingException ValidationException",
	} {
		for code := range strings.FieldsSeq(codes) {
			names[service+"."+code] = func(err error) bool {
				answer, ok := err.(awsAPIError) //nolint:errorlint // whoever asks walks the tree
				return ok && (answer.ErrorCode() == code || strings.HasSuffix(answer.ErrorCode(), "."+code))
			}
		}
	}
	return names
}
