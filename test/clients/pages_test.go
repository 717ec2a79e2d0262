package clients

// seen is the page, in its order.
var seen = pageOf{redisFamily, natsFamily, amqpFamily, s3Family, mongoFamily, kafkaFamily, mqttFamily, rpcFamily, elasticFamily, memcacheFamily, sqlFamily}
