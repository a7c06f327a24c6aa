#!/usr/bin/perl
# Sends one event to `tvbridge serve`, and ends when Kafka has it. Core modules only.
# usage: TVBRIDGE_KEY=... publish.pl PROVIDER SERVICE TYPE [DATA]
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;

my ($provider, $service, $type, $data) = @ARGV;
my $url = ($ENV{TVBRIDGE_URL} // 'http://127.0.0.1:9465') . '/v1/events';
open my $random, '<', '/proc/sys/kernel/random/uuid' or die $!;
chomp(my $id = <$random>);
my $event = encode_json({
    specversion => '1.0', id => $id, source => '/billing/perl', type => "tvbridge.$type", subject => "$service",
    provider => $provider, data => decode_json($data // '{}') });

my $http = HTTP::Tiny->new(timeout => 30, default_headers => {
    'Authorization' => "Bearer $ENV{TVBRIDGE_KEY}", 'Content-Type' => 'application/cloudevents+json' });
for (1 .. 8) {
    my $answer = $http->post($url, { content => $event });
    exit 0 if $answer->{status} == 202;
    # 599 is HTTP::Tiny's own: no answer came
    die $answer->{content} unless grep { $answer->{status} == $_ } 429, 503, 599;
    sleep($answer->{headers}{'retry-after'} // 2); # then the same event again: an id is applied once
}
die "not accepted\n";
