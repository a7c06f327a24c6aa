<?php
// Sends one event to `tvbridge serve`, and ends when Kafka has it. No extension is needed.
// usage: TVBRIDGE_KEY=... php publish.php PROVIDER SERVICE TYPE [DATA]
[, $provider, $service, $type] = $argv;
$event = json_encode(['specversion' => '1.0', 'id' => bin2hex(random_bytes(16)), 'source' => '/billing/php', 'type' => "tvbridge.$type",
    'subject' => $service, 'provider' => $provider, 'data' => json_decode($argv[4] ?? '{}')]);
$context = stream_context_create(['http' => ['method' => 'POST', 'content' => $event, 'timeout' => 30, 'ignore_errors' => true,
    'header' => ['Authorization: Bearer ' . getenv('TVBRIDGE_KEY'), 'Content-Type: application/cloudevents+json']]]);

for ($try = 0; $try < 8; $try++) {
    $http_response_header = [];
    $answer = @file_get_contents((getenv('TVBRIDGE_URL') ?: 'http://127.0.0.1:9465') . '/v1/events', false, $context);
    $status = (int) substr($http_response_header[0] ?? '', 9, 3); // 0: no answer came
    if ($status === 202)
        exit(0);
    if (!in_array($status, [0, 429, 503])) {
        fwrite(STDERR, $answer); // which member is wrong, and what was wanted
        exit(1);
    }
    $wait = preg_filter('/^Retry-After: /i', '', $http_response_header);
    sleep((int) (reset($wait) ?: 2)); // then the same event again: an id is applied once
}
fwrite(STDERR, "not accepted\n");
exit(1);
