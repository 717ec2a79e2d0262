package clients

// seen is the page, in its order.
var seen = pageOf{
	redisFamily, sqlFamily, mongoFamily, cassandraFamily, memcacheFamily, elasticFamily, s3Family, cloudFamily,
	natsFamily, amqpFamily, kafkaFamily, mqttFamily, rpcFamily,
}
