/* pack_settings.h - settings.yaml of a pack's folder: what $inputs.settings has where an installation says nothing; and, for
 * a platform that another pack's documents describe well enough, that pack. schemas/providers/README.md, "settings.yaml". */
#ifndef TVB_WORKFLOW_PACK_SETTINGS_H
#define TVB_WORKFLOW_PACK_SETTINGS_H

#include "workflow/load.h"

/* Reads settings.yaml of l->dir, where there is one, into l->pack->defaults and the title. l->dir becomes the folder of the
 * documents: that of the pack that it names, whose own settings.yaml lies below. Faults are noted. */
void pack_settings_load(struct loader *l);

#endif
