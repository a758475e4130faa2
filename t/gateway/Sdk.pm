# The SDKs of npm as judges: installs them by the lock file here, once, and
# talks to sdk.js.

package Sdk;

use strict;
use warnings;

use Exporter qw(import);
use Fcntl qw(LOCK_EX);
use IPC::Open2 qw(open2);
use JSON::PP;

use Probe qw($folder);

our @EXPORT = qw($modules sdk sdk_path);

my $build = "$folder/../../build/gateway";
our $modules = "$build/node_modules";

my ($from, $to, $pid);

# Ends with its input, before Perl waits for whatever else it has started.
END { if ($to) { local $?; close $to; waitpid $pid, 0 } }

# Where a package is, or undef: then it could not be installed.  Files that
# run side by side install one after the other.
sub sdk_path {
    my $name = shift;
    system('mkdir', '-p', $build);
    open my $lock, '>', "$build/lock" or die "$build/lock: $!";
    flock $lock, LOCK_EX or die $!;
    if (!-d "$modules/$name") {
        system("cp $folder/package.json $folder/package-lock.json $build "
            . "&& cd $build && npm ci --silent --no-audit --no-fund");
    }
    return -d "$modules/$name" ? "$modules/$name" : undef;
}

# The result of one of the calls of sdk.js, or the text of its error.
sub sdk {
    my ($call, %rest) = @_;
    if (!$to) {
        local $ENV{NODE_PATH} = $modules;
        # Alipay's dates requests in its own time zone, the gateway in China's.
        local $ENV{TZ} = 'Asia/Shanghai';
        $pid = open2($from, $to, 'node', "$folder/sdk.js");
    }
    print $to encode_json({ call => $call, %rest }), "\n";
    $to->flush;
    my $answer = decode_json(scalar <$from>);
    return $answer->{error} // $answer->{result};
}

1;
