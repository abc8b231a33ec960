# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of posternctl(8) for bash: the tool itself says what may follow.
_posternctl()
{
    local current=${COMP_WORDS[COMP_CWORD]} line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        /) compopt -o filenames 2>/dev/null
           mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        *) COMPREPLY+=("$line") ;;
        esac
    done < <("${COMP_WORDS[0]}" complete -- \
        "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _posternctl posternctl
