#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes one archive of several: of the members that define a symbol twice, the
# one of the archive that was named first is kept.
#
#   merge.sh AR NM OUTPUT ARCHIVE...
set -eu
ar=$1 nm=$2 output=$3
shift 3
rm -f "$output"
{
    echo "create $output"
    for part; do echo "addlib $part"; done
    echo save
    echo end
} | $ar -M
# The first archive's symbols; whoever else defines one of them goes.
first=$1
shift
twice=$(
    {
        $nm -g --defined-only "$first" | awk 'NF == 3 { print "own", $3 }'
        for part; do
            $nm -g --defined-only -A "$part" |
                awk '{ n = split($1, at, ":"); print at[n - 1], $NF }'
        done
    } | awk '$1 == "own" { own[$2] = 1; next }
             $2 in own && !seen[$1]++ { print $1 }'
)
# shellcheck disable=SC2086
[ -z "$twice" ] || $ar d "$output" $twice
$ar s "$output"
