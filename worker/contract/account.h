/* account.h - an account as a platform's `list` or `read` gives it, in the words of schemas/providers/README.md, "What list, read and
 * catalog give". Pure. */
#ifndef TVB_CONTRACT_ACCOUNT_H
#define TVB_CONTRACT_ACCOUNT_H

#include <jansson.h>

/* The members of a record that @account says: status, login, plan, packages and devices (each id -> what is known of it), ids. What
 * it does not say is left out; ids are text, MAC addresses of one writing. The caller owns it. NULL: out of memory. */
json_t *account_record(const json_t *account);
/* Text, or a number as text, into @ret. "" when @v is neither, or does not fit. */
#define ACCOUNT_TEXT_SIZE 256
const char *account_text(const json_t *v, char ret[ACCOUNT_TEXT_SIZE]);
/* A device's id: its MAC address of one writing, else its serial number; @device may be the address alone. "" when it has neither. */
void account_device_id(const json_t *device, char ret[ACCOUNT_TEXT_SIZE]);

#endif
