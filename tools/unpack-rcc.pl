#!/usr/bin/perl
# Unpacks the files of Qt resource bundles (.rcc). Usage: unpack-rcc BUNDLE FOLDER [NAME]...
# Writes FOLDER/NAME for every file of the bundle, or for those named; compressed ones are skipped.
use strict;
use warnings;

my ($bundle, $folder, @wanted) = @ARGV;
die "usage: unpack-rcc BUNDLE FOLDER [NAME]...\n" unless defined $folder;
my %wanted = map { $_ => 1 } @wanted;

open(my $in, '<:raw', $bundle) or die "$bundle: $!\n";
my $bytes = do { local $/; <$in> };
my ($magic, $version, $tree, $data, $names) = unpack('a4 N N N N', $bytes);
die "$bundle: not a Qt resource bundle\n" unless defined $names && $magic eq 'qres';
die "$bundle: version $version\n" if $version < 1 || $version > 3;
my $node_bytes = $version == 1 ? 14 : 22;

sub name_of {
    my ($offset) = @_;
    my ($length) = unpack('n', substr($bytes, $names + $offset, 2));
    my @letters = unpack('n*', substr($bytes, $names + $offset + 6, 2 * $length));
    my $name = join('', map { chr } @letters);
    utf8::encode($name);
    return $name;
}

sub folders {
    my ($path) = @_;
    my $at = 0;
    while (($at = index($path, '/', $at + 1)) > 0) { mkdir(substr($path, 0, $at)) }
}

sub walk {
    my ($node, $path) = @_;
    my $at = $tree + $node * $node_bytes;
    my ($name, $flags) = unpack('N n', substr($bytes, $at, 6));
    if ($flags & 2) {
        my ($count, $first) = unpack('N N', substr($bytes, $at + 6, 8));
        for my $child ($first .. $first + $count - 1) {
            my ($offset) = unpack('N', substr($bytes, $tree + $child * $node_bytes, 4));
            walk($child, ($path eq '' ? '' : "$path/") . name_of($offset));
        }
        return;
    }
    return if @wanted && !$wanted{$path} || $flags & 5 || $path =~ m{(^|/)\.\.(/|$)};
    my ($offset) = unpack('N', substr($bytes, $at + 10, 4));
    my ($size) = unpack('N', substr($bytes, $data + $offset, 4));
    folders("$folder/$path");
    open(my $out, '>:raw', "$folder/$path") or die "$folder/$path: $!\n";
    print $out substr($bytes, $data + $offset + 4, $size);
    close($out) or die "$folder/$path: $!\n";
}
walk(0, '');
