#!/usr/bin/perl
# The Received lines of an mbox with SpamAssassin's parser, one line of JSON a
# message: its list of relays, as its rules see them.
#   trace_spamassassin.pl FILE
use strict;
use warnings;
use Mail::SpamAssassin;
use Mail::SpamAssassin::Message;
use Mail::SpamAssassin::Message::Metadata;
use Mail::SpamAssassin::PerMsgStatus;

my $main = Mail::SpamAssassin->new({
    local_tests_only => 1, dont_copy_prefs => 1,
    config_text      => "dns_available no\nuse_bayes 0\nuse_auto_whitelist 0\n",
});
$main->init(0);
my ($count, $relays) = (0, 0);

sub judge {
    my ($head) = @_;
    my $message = Mail::SpamAssassin::Message->new(
        { message => $head, subparse => 0, main => $main });
    my $status   = Mail::SpamAssassin::PerMsgStatus->new($main, $message);
    my $metadata = $message->{metadata};
    $metadata->parse_received_headers($status, $message);
    my @list = (@{ $metadata->{relays_trusted} },
                @{ $metadata->{relays_untrusted} });
    $relays += @list;
    print join("\n", map { $_->{as_string} } @list), "\n\n";
    $count++;
    $status->finish();
    $message->finish();
}

open(my $file, '<', $ARGV[0]) or die "$ARGV[0]: $!\n";
my ($in_head, $blank) = (0, 1);
my @head;
while (my $line = <$file>) {
    if ($blank && $line =~ /^From /) { @head = (); $in_head = 1; }
    elsif ($in_head && $line eq "\n") {
        judge([@head, "\n"]);
        $in_head = 0;
    }
    elsif ($in_head) { push @head, $line; }
    $blank = $line eq "\n";
}
print "{\"messages\": $count, \"hops\": $relays}\n";
